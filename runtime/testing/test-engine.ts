import { createHash } from 'node:crypto';
import { LocalInvoker, type ActivityStandIn } from '../core/local-invoker';
import { EngineClient } from '../engine/client';
import { VirtualClock } from '../engine/clock';
import { DirectCommitter } from '../engine/commit';
import { Engine } from '../engine/engine';
import type { HistoryEvent } from '../engine/history';
import type { Invoker } from '../engine/invoker';
import type { Work } from '../engine/instances';
import type { VersionRules } from '../engine/versions';
import { isTerminal, type RuntimeStatus, type Store } from '../engine/store';
import { MemoryStore } from '../store/memory';
import { seededRandom } from './random';

export type TestEngineOptions = {
  /** Decides which ready work is done next, and all ids. The same seed gives the same run. */
  readonly seed: number;
  /** Loads or registers the app's functions; what was registered in this process before stays. */
  readonly register?: () => void;
  /** Activities by name that take the place of registered ones; they may return values or promises, and throw. */
  readonly activities?: Readonly<Record<string, ActivityStandIn>>;
  /** Where virtual time begins. */
  readonly startMs?: number;
  /** Events that no waiter took are lost at continueAsNew, as in Azure; 'keep' is what the embedded runtime does. */
  readonly unconsumedEvents?: 'keep' | 'lose';
  /** Versions that the app runs; all, when not said. */
  readonly versions?: VersionRules;
  /** Where the state lives; in memory unless said otherwise. */
  readonly store?: Store;
  /** Runs functions in place of `own`, which runs them in this process. */
  readonly invoker?: (own: Invoker) => Invoker;
  /** Activities run side by side in real time, for what that decides; otherwise one piece of work at a time, and the seed decides. */
  readonly activitiesOverlap?: boolean;
  /** Told each line that functions log. */
  readonly log?: (line: string) => void;
};

const anyVersion: VersionRules = { version: null, match: 'None', failure: 'Reject' };

/** An instance as a test sees it; JSON is parsed. */
export type TestStatus = {
  readonly runtimeStatus: RuntimeStatus;
  readonly name: string;
  readonly input: unknown;
  readonly output: unknown;
  readonly customStatus: unknown;
};

/**
 * The durable engine with memory store, virtual clock and in-process functions, for tests under jest. It runs the unmodified
 * `@azure/functions` and `durable-functions`: jest.config.cjs maps `@azure/functions-core` to runtime/core/functions-core.
 * One piece of work at a time, in an order drawn from the seed; virtual time stands still until a method moves it.
 *
 *     const engine = createTestEngine({ seed: 1, register: () => void require('../functions'), activities: { Probe: () => 7 } });
 *     const id = await engine.start('migrate-warm', { vm: 'a' }, 'run-1');
 *     await engine.settle();                            // all that can happen without time passing
 *     await engine.raiseEvent(id, 'approved', true);
 *     await engine.advance(60_000);                     // a minute passes, timers fire in their order
 *     await engine.runToEnd(id);                        // from timer to timer, until the instance has ended
 *     expect(engine.status(id)).toMatchObject({ runtimeStatus: 'Completed', output: 7 });
 *
 * Handlers may use real promises; they are awaited. A handler that needs virtual time takes `engine.clock` for reading it.
 * `engine.crash()` is a `kill -9` of the host: turns and activities under way are forgotten and done again; called inside
 * an activity it makes that activity run twice.
 */
export function createTestEngine(options: TestEngineOptions): TestEngine {
  options.register?.();
  return new TestEngine(options);
}

export class TestEngine {
  readonly clock: VirtualClock;
  readonly client: EngineClient;
  readonly #store: Store;
  readonly #random: () => number;
  /** Runs the functions. */
  readonly invoker: Invoker;
  readonly #parts;
  #engine: Engine;
  #ready: Work[] = [];
  readonly #readyKeys = new Set<string>();
  readonly #activitiesOverlap: boolean;
  readonly #running = new Set<Promise<void>>();
  /** Counts crashes; work of an earlier life has no effect any more. */
  #life = 0;
  /** Resolved at a crash, so that nobody waits for work that was forgotten. */
  #death = Promise.withResolvers<undefined>();

  constructor(options: TestEngineOptions) {
    const log = options.log ?? ((): void => undefined);
    this.#store = options.store ?? new MemoryStore();
    this.clock = new VirtualClock(options.startMs ?? Date.UTC(2027, 0, 1));
    this.#random = seededRandom(options.seed);
    this.#activitiesOverlap = options.activitiesOverlap ?? false;
    const own = new LocalInvoker(options.activities ?? {}, (line) =>
      log(`[${line.level}] ${line.functionName}: ${line.message}`),
    );
    this.invoker = options.invoker?.(own) ?? own;
    let ids = 0;
    this.#parts = {
      store: this.#store,
      clock: this.clock,
      invoker: this.invoker,
      newId: () => guidOf(`${options.seed}:${ids++}`),
      unconsumedEvents: options.unconsumedEvents ?? ('lose' as const),
      versions: options.versions ?? anyVersion,
      triesMax: 1,
      log,
    };
    this.client = new EngineClient({
      ...this.#parts,
      committer: new DirectCommitter(this.#store),
      onWork: (work) => this.#note(work),
    });
    this.#engine = this.#newEngine();
  }

  /** Starts an orchestration and returns its instance id. Throws when a living instance has that id. */
  async start(name: string, input?: unknown, instanceId?: string): Promise<string> {
    const started = await this.client.start({ name, instanceId, input: textOf(input) });
    if (started.kind === 'exists') throw new Error(`instance '${started.instanceId}' is ${started.status} already`);
    if (started.kind === 'invalidId') throw new Error(started.reason);
    return started.instanceId;
  }

  /** Raises an event. Throws when there is no such living instance. */
  async raiseEvent(instanceId: string, name: string, input?: unknown): Promise<void> {
    const sent = await this.client.raiseEvent(instanceId, name, JSON.stringify(input ?? null));
    if (sent.kind !== 'sent') throw new Error(`event '${name}' to '${instanceId}': ${sent.kind}`);
  }

  /** Does everything that can be done without time passing, what promises of the test's own bring about included. */
  async settle(): Promise<void> {
    do {
      while (await this.step());
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.#ready.length > 0);
  }

  /** Does one piece of ready work, chosen by the seed; false when there is none. */
  async step(): Promise<boolean> {
    if (this.#ready.length === 0) return false;
    const index = Math.floor(this.#random() * this.#ready.length);
    const [work] = this.#ready.splice(index, 1);
    if (work === undefined) return false;
    this.#readyKeys.delete(keyOf(work));
    const done = this.#do(work);
    if (this.#activitiesOverlap && work.kind === 'activity') this.#follow(done);
    else await done;
    return true;
  }

  /** Settled when one of the activities that run side by side has ended; undefined when none runs. */
  get activityEnd(): Promise<void> | undefined {
    return this.#running.size === 0 ? undefined : Promise.race(this.#running);
  }

  #follow(done: Promise<void>): void {
    const followed = done.finally(() => this.#running.delete(followed));
    this.#running.add(followed);
  }

  /** Lets virtual time pass: every timer up to then fires at its own time, and what follows from it happens then. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.clock.now() + ms;
    await this.settle();
    for (let nextMs = this.nextMs(); nextMs !== undefined && nextMs <= untilMs; nextMs = this.nextMs()) {
      await this.#moveTo(nextMs);
    }
    this.clock.moveTo(untilMs);
  }

  /**
   * Goes from timer to timer until the instance has ended; throws when it cannot end so (it waits for an event) or takes
   * longer than `virtualMsMax`.
   */
  async runToEnd(instanceId: string, virtualMsMax = 366 * 24 * 3_600_000): Promise<TestStatus> {
    const untilMs = this.clock.now() + virtualMsMax;
    await this.settle();
    while (!isTerminal(this.status(instanceId).runtimeStatus)) {
      const nextMs = this.nextMs();
      if (nextMs === undefined) throw new Error(`'${instanceId}' waits for an event that nobody raises`);
      if (nextMs > untilMs) throw new Error(`'${instanceId}' has not ended after ${virtualMsMax} ms`);
      await this.#moveTo(nextMs);
    }
    return this.status(instanceId);
  }

  /** Kills the host and starts it again on the same state: what was under way is done again, its results are dropped. */
  crash(): void {
    this.#life += 1;
    this.#engine = this.#newEngine();
    this.#ready = [];
    this.#readyKeys.clear();
    this.#note(this.#engine.openWork());
    this.#note(this.#engine.dueTimers());
    this.#death.resolve(undefined);
    this.#death = Promise.withResolvers();
  }

  /** Throws when there is no such instance. */
  status(instanceId: string): TestStatus {
    const row = this.client.instance(instanceId);
    if (row === undefined) throw new Error(`there is no instance '${instanceId}'`);
    return {
      runtimeStatus: row.status,
      name: row.name,
      input: parsed(row.input),
      output: parsed(row.output),
      customStatus: parsed(row.customStatus),
    };
  }

  history(instanceId: string): readonly HistoryEvent[] {
    return this.client.history(instanceId);
  }

  /** The ids of all instances. */
  instanceIds(): string[] {
    return this.client.list({}, '', Number.MAX_SAFE_INTEGER).rows.map((row) => row.instanceId);
  }

  #newEngine(): Engine {
    const life = this.#life;
    const direct = new DirectCommitter(this.#store);
    const isDead = (): boolean => life !== this.#life;
    return new Engine({
      ...this.#parts,
      committer: {
        // Nothing of an earlier life reaches the store.
        commit: (work) => (isDead() ? new Promise(() => undefined) : direct.commit(work)),
      },
      onWork: (work) => this.#note(work),
    });
  }

  #note(work: readonly Work[]): void {
    for (const item of work) {
      // A timer whose time has come already wakes its instance at once.
      if (item.kind === 'timer' && item.atMs <= this.clock.now()) this.#note(this.#engine.dueTimers());
      if (item.kind === 'timer' || this.#readyKeys.has(keyOf(item))) continue;
      this.#readyKeys.add(keyOf(item));
      this.#ready.push(item);
    }
  }

  async #do(work: Work): Promise<void> {
    if (work.kind === 'timer') return;
    const death = this.#death.promise;
    const running =
      work.kind === 'instance' ? this.#engine.runTurn(work.instanceId) : this.#engine.runActivity(work.id);
    await Promise.race([running, death]);
  }

  /** When something happens by itself: an orchestration's timer is due, or an alarm of the clock; undefined when nothing will. */
  nextMs(): number | undefined {
    const nowMs = this.clock.now();
    const times = [this.#store.read((tx) => tx.nextTimerMs(nowMs)), this.clock.nextAlarmMs()].filter(
      (atMs) => atMs !== undefined,
    );
    return times.length === 0 ? undefined : Math.min(...times);
  }

  async #moveTo(atMs: number): Promise<void> {
    this.clock.moveTo(atMs);
    this.#note(this.#engine.dueTimers());
    await this.settle();
  }
}

/** One string for each piece of work: what is ready once need not be so twice. */
function keyOf(work: Work): string {
  switch (work.kind) {
    case 'instance':
      return `i${work.instanceId}`;
    case 'activity':
      return `a${work.id}`;
    case 'timer':
      return `t${work.atMs}`;
  }
}

const textOf = (value: unknown): string | null =>
  value === undefined || value === null ? null : JSON.stringify(value);

/** JSON when it is JSON: the reason of a failure is plain text. */
function parsed(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function guidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}
