import { setImmediate as nextRound } from 'node:timers/promises';
import { currentProgram, runIn, type Program } from './program';

type Event = {
  readonly atMs: number;
  readonly order: number;
  readonly program: Program;
  readonly action: () => void;
  /** Called in its place when it is never done. */
  readonly forget: (() => void) | undefined;
  canceled: boolean;
};

const isBefore = (one: Event, other: Event): boolean =>
  one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);

/**
 * Virtual time: events in the order of their times, and of their making where times are equal. Each is followed until nothing more
 * happens by itself; then the clock jumps to the next. Nothing here reads a real clock, so the same events give the same run.
 */
export class Loop {
  #nowMs: number;
  #order = 0;
  readonly #heap: Event[] = [];
  /** Events carried out so far. */
  events = 0;
  /** Follows from the times of all of them: two runs that differ anywhere differ here, but for chance. */
  fingerprint = 0;

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  /** Milliseconds since 1970, with fractions. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /**
   * Has `action` done after `delayMs` on behalf of a program, if that still lives by then, and `forget` called where it is never done and
   * nobody took it back. The function that it returns takes it back.
   */
  schedule(delayMs: number, action: () => void, program = currentProgram(), forget?: () => void): () => void {
    const event: Event = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      order: this.#order++,
      program,
      action,
      forget,
      canceled: false,
    };
    this.#push(event);
    return () => {
      event.canceled = true;
    };
  }

  /** Resolves after `delayMs`; never for a program that is dead by then. */
  pass(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.schedule(delayMs, resolve);
    });
  }

  /**
   * Carries out events until `isOver` says so or `untilMs` is reached. `afterEach` is called when everything that follows from an event
   * without time passing has happened.
   */
  async run(untilMs: number, isOver: () => boolean, afterEach: () => void | Promise<void>): Promise<'over' | 'time'> {
    await nextRound();
    while (!isOver()) {
      const next = this.#heap[0];
      if (next === undefined || next.atMs > untilMs) {
        this.#nowMs = Math.max(this.#nowMs, untilMs);
        return 'time';
      }
      this.#pop();
      if (next.canceled) continue;
      if (!next.program.isAlive) {
        next.forget?.();
        continue;
      }
      this.#nowMs = next.atMs;
      this.events++;
      this.fingerprint = (Math.imul(this.fingerprint, 31) + Math.floor(next.atMs * 1024)) | 0;
      runIn(next.program, next.action);
      // Microtasks and ticks are over before the next round of Node's own loop.
      await nextRound();
      const following = afterEach();
      if (following !== undefined) await following;
    }
    return 'over';
  }

  /** Ends the world: nothing of it happens any more, and nothing outside of it holds on to it. */
  abandon(): void {
    for (const { forget } of this.#heap.splice(0)) forget?.();
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent]!;
      if (!isBefore(event, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const least = right < heap.length && isBefore(heap[right]!, heap[left]!) ? right : left;
      if (!isBefore(heap[least]!, last)) break;
      heap[at] = heap[least]!;
      at = least;
    }
    heap[at] = last;
  }
}
