import { describeThrown } from '../../contracts/failure';
import type { Clock } from './clock';
import type { Engine, WorkEnd } from './engine';
import type { Work } from './instances';

export type DispatcherParts = {
  readonly clock: Clock;
  readonly turnsMax: number;
  readonly activitiesMax: number;
  readonly log: (line: string) => void;
};

/** What of the engine the dispatcher uses. */
type Workshop = Pick<Engine, 'openWork' | 'dueTimers' | 'runTurn' | 'runActivity'>;

/** The pause before work whose worker was lost is tried again; doubled each time up to the second figure. */
const againMsMin = 50;
const againMsMax = 5_000;

/** Runs the engine's work as it appears: turns and activities side by side up to their limits, one turn at a time an instance. */
export class Dispatcher {
  readonly #engine: Workshop;
  readonly #parts: DispatcherParts;
  readonly #readyInstances = new Set<string>();
  readonly #runningInstances = new Set<string>();
  readonly #readyActivities: number[] = [];
  readonly #runningActivities = new Set<number>();
  readonly #pauseMs = new Map<string, number>();
  #alarm: { readonly atMs: number; readonly cancel: () => void } | undefined;
  #isOpen = false;
  #whenIdle: (() => void)[] = [];

  constructor(engine: Workshop, parts: DispatcherParts) {
    this.#engine = engine;
    this.#parts = parts;
  }

  /** Begins, with everything that the store holds open. */
  start(): void {
    this.#isOpen = true;
    this.add(this.#engine.openWork());
  }

  add(work: readonly Work[]): void {
    for (const item of work) {
      switch (item.kind) {
        case 'instance':
          this.#readyInstances.add(item.instanceId);
          break;
        case 'activity':
          this.#readyActivities.push(item.id);
          break;
        case 'timer':
          this.#setAlarm(item.atMs);
          break;
      }
    }
    this.#pump();
  }

  /** Takes no new work and waits for what runs, at most `msMax`. */
  async stop(msMax: number): Promise<void> {
    this.#isOpen = false;
    this.#alarm?.cancel();
    if (this.#isIdle()) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#parts.clock.schedule(this.#parts.clock.now() + msMax, resolve);
      this.#whenIdle.push(() => {
        cancel();
        resolve();
      });
    });
  }

  /** How much is under way and how much waits, for the status page. */
  counts(): { readonly turns: number; readonly activities: number; readonly activitiesWaiting: number } {
    return {
      turns: this.#runningInstances.size,
      activities: this.#runningActivities.size,
      activitiesWaiting: this.#readyActivities.length,
    };
  }

  #isIdle(): boolean {
    return this.#runningInstances.size === 0 && this.#runningActivities.size === 0;
  }

  #setAlarm(atMs: number): void {
    if (this.#alarm !== undefined && this.#alarm.atMs <= atMs) return;
    this.#alarm?.cancel();
    const cancel = this.#parts.clock.schedule(atMs, () => {
      this.#alarm = undefined;
      if (this.#isOpen) this.add(this.#engine.dueTimers());
    });
    this.#alarm = { atMs, cancel };
  }

  #pump(): void {
    if (!this.#isOpen) return;
    for (const instanceId of this.#readyInstances) {
      if (this.#runningInstances.size >= this.#parts.turnsMax) break;
      if (this.#runningInstances.has(instanceId)) continue;
      this.#readyInstances.delete(instanceId);
      void this.#turn(instanceId);
    }
    while (this.#runningActivities.size < this.#parts.activitiesMax) {
      const id = this.#readyActivities.shift();
      if (id === undefined) break;
      if (!this.#runningActivities.has(id)) void this.#activity(id);
    }
  }

  async #turn(instanceId: string): Promise<void> {
    this.#runningInstances.add(instanceId);
    const ended = await this.#guarded(`turn of '${instanceId}'`, () => this.#engine.runTurn(instanceId));
    this.#runningInstances.delete(instanceId);
    this.#after(ended, `i:${instanceId}`, { kind: 'instance', instanceId });
  }

  async #activity(id: number): Promise<void> {
    this.#runningActivities.add(id);
    const ended = await this.#guarded(`activity ${id}`, () => this.#engine.runActivity(id));
    this.#runningActivities.delete(id);
    this.#after(ended, `a:${id}`, { kind: 'activity', id });
  }

  /** A bug in one piece of work must not stop the others: it is logged, and the work tried again later. */
  async #guarded(what: string, work: () => Promise<WorkEnd>): Promise<WorkEnd> {
    try {
      return await work();
    } catch (thrown) {
      const stack = thrown instanceof Error && thrown.stack !== undefined ? ` ${thrown.stack}` : '';
      this.#parts.log(`${what} failed inside the runtime: ${describeThrown(thrown)}${stack}`);
      return 'again';
    }
  }

  #after(ended: WorkEnd, key: string, work: Work): void {
    if (ended === 'done') {
      this.#pauseMs.delete(key);
    } else if (this.#isOpen) {
      const pauseMs = this.#pauseMs.get(key) ?? againMsMin;
      this.#pauseMs.set(key, Math.min(pauseMs * 2, againMsMax));
      this.#parts.clock.schedule(this.#parts.clock.now() + pauseMs, () => this.add([work]));
    }
    if (this.#isIdle()) for (const waiter of this.#whenIdle.splice(0)) waiter();
    this.#pump();
  }
}
