/** How an operation shares its VM: `alone` with no other, `shared` with others that share. */
export type TurnMode = 'alone' | 'shared';

/** Gives back what was taken. Calling it again does nothing. */
export type Release = () => void;

type Waiter = { readonly mode: TurnMode; readonly go: (release: Release | undefined) => void };
type Line = { mode: TurnMode; holders: number; readonly waiting: Waiter[] };

/**
 * Turns by key, first come, first served: one at a time, or several that share. Nobody overtakes, so that a long row of sharers does
 * not keep out one who wants to be alone.
 */
export class Turns {
  readonly #lines = new Map<string, Line>();
  readonly #sharersMax: number;

  constructor(sharersMax = Number.POSITIVE_INFINITY) {
    this.#sharersMax = sharersMax;
  }

  /** Waits for a turn; undefined when the signal was aborted first. */
  async take(key: string, mode: TurnMode, signal: AbortSignal): Promise<Release | undefined> {
    if (signal.aborted) return undefined;
    const line = this.#lines.get(key) ?? { mode, holders: 0, waiting: [] };
    this.#lines.set(key, line);
    return new Promise((resolve) => {
      const waiter: Waiter = {
        mode,
        go: (release) => {
          signal.removeEventListener('abort', leave);
          resolve(release);
        },
      };
      const leave = (): void => {
        line.waiting.splice(line.waiting.indexOf(waiter), 1);
        resolve(undefined);
        this.#serve(key, line);
      };
      signal.addEventListener('abort', leave, { once: true });
      line.waiting.push(waiter);
      this.#serve(key, line);
    });
  }

  #serve(key: string, line: Line): void {
    for (let next = line.waiting[0]; next !== undefined && this.#mayGo(line, next.mode); next = line.waiting[0]) {
      line.waiting.shift();
      line.mode = next.mode;
      line.holders += 1;
      next.go(this.#releaseOnce(key, line));
    }
    if (line.holders === 0 && line.waiting.length === 0) this.#lines.delete(key);
  }

  #mayGo(line: Line, mode: TurnMode): boolean {
    if (line.holders === 0) return true;
    return mode === 'shared' && line.mode === 'shared' && line.holders < this.#sharersMax;
  }

  #releaseOnce(key: string, line: Line): Release {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      line.holders -= 1;
      this.#serve(key, line);
    };
  }
}
