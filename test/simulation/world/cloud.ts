import { Agents } from '../../../activities/agents';
import { registerActivities } from '../../../activities';
import type { App } from '../../../activities/app';
import { readSettings } from '../../../activities/settings';
import { Documents } from '../../../activities/storage/documents';
import { createRelayClient } from '../../../relay/client';
import type { SigningKey } from '../../../relay/signing';
import { EngineClient } from '../../../runtime/engine/client';
import type { Clock as EngineClock } from '../../../runtime/engine/clock';
import { DirectCommitter, type Committer } from '../../../runtime/engine/commit';
import { Dispatcher } from '../../../runtime/engine/dispatcher';
import { Engine } from '../../../runtime/engine/engine';
import { MemoryStore } from '../../../runtime/store/memory';
import '../../../functions/orchestrators';
import { Blobs, type BlobFate } from '../platform/blobs';
import { Draw } from '../platform/chance';
import type { Loop } from '../platform/loop';
import { never, outside, Program, runIn } from '../platform/program';
import type { RelayService } from '../platform/relay-service';
import { Staging } from '../platform/staging';
import { sleepOn } from '../platform/sleep';
import { WorkerInvoker } from './worker-invoker';

/** What becomes of a commit of the runtime. */
export type CommitFate = 'done' | 'dies-before' | 'dies-after';

export type CloudOptions = {
  readonly seed: number;
  readonly loop: Loop;
  readonly relay: RelayService;
  readonly appKey: SigningKey;
  readonly lookMsMax: number;
  readonly hosts: readonly string[];
  /** Of each machine's way to storage. */
  readonly bytesPerSecond: number;
  /** Whether nothing reaches a machine. */
  readonly isCutOff: (machine: string) => boolean;
  /** Told after each commit. */
  readonly onCommit: () => void;
  readonly log: (line: string) => void;
};

const restartMs = 3_000;
const commitMs = 2;

let appOfThisRun: App | undefined;
registerActivities(() => {
  if (appOfThisRun === undefined) throw new Error('no simulated cloud runs');
  return appOfThisRun;
});

/** The Functions app on the durable engine, with its history and storage: worker and engine die and come back, what is stored stays. */
export class Cloud {
  readonly store = new MemoryStore();
  readonly blobs: Blobs;
  readonly staging: Staging;
  readonly client: EngineClient;
  /** Asked for the fate of each commit, in turn. */
  readonly commitFaults = new Set<() => CommitFate>();
  readonly blobFaults = new Set<(verb: 'read' | 'write', path: string) => BlobFate>();
  program: Program | undefined;
  kills = 0;
  #dispatcher: Dispatcher | undefined;
  #starts = 0;
  #ids = 0;
  readonly #draw: Draw;

  constructor(private readonly options: CloudOptions) {
    const { seed, loop } = options;
    this.#draw = new Draw(seed, 'cloud');
    const fateOf = (verb: 'read' | 'write', path: string): BlobFate => {
      for (const fault of this.blobFaults) {
        const fate = fault(verb, path);
        if (fate !== 'done') return fate;
      }
      return 'done';
    };
    this.blobs = new Blobs({ loop, draw: new Draw(seed, 'blobs'), fateOf });
    const { bytesPerSecond, isCutOff } = options;
    this.staging = new Staging({ loop, draw: new Draw(seed, 'staging'), bytesPerSecond, isCutOff, fateOf });
    this.client = new EngineClient({
      ...this.#parts(),
      committer: this.#committer(undefined),
      onWork: (work) => {
        if (this.program?.isAlive === true) runIn(this.program, () => this.#dispatcher?.add(work));
      },
    });
  }

  get runs(): boolean {
    return this.program?.isAlive === true;
  }

  /** The app as an activity sees it now. */
  get app(): App {
    if (appOfThisRun === undefined) throw new Error('the cloud was not started');
    return appOfThisRun;
  }

  start(): void {
    if (this.runs) return;
    const program = new Program('cloud', ++this.#starts);
    this.program = program;
    // What the worker holds in memory dies with it.
    appOfThisRun = this.#app();
    runIn(program, () => {
      const engine = new Engine({
        ...this.#parts(),
        committer: this.#committer(program),
        onWork: (work) => dispatcher.add(work),
      });
      const dispatcher = new Dispatcher(engine, {
        clock: this.#clock,
        turnsMax: 8,
        activitiesMax: 16,
        log: this.options.log,
      });
      this.#dispatcher = dispatcher;
      dispatcher.start();
    });
  }

  kill(downMs = restartMs): void {
    this.kills++;
    this.program?.kill();
    this.options.loop.schedule(downMs, () => this.start(), outside);
  }

  get #clock(): EngineClock {
    const { loop } = this.options;
    return {
      now: () => Math.floor(loop.nowMs),
      schedule: (atMs, action) => loop.schedule(atMs - loop.nowMs, action),
    };
  }

  #parts() {
    return {
      store: this.store,
      clock: this.#clock,
      invoker: new WorkerInvoker((line) => this.options.log(`${line.functionName}: ${line.message}`)),
      newId: () => this.#draw.guid() + String(this.#ids++),
      unconsumedEvents: 'lose' as const,
      triesMax: 1,
      versions: { version: null, match: 'None' as const, failure: 'Reject' as const },
      log: this.options.log,
    };
  }

  /** One for each life; the client's own belongs to nobody that dies. */
  #committer(program: Program | undefined): Committer {
    const direct = new DirectCommitter(this.store);
    return {
      commit: async (work) => {
        if (program !== undefined) {
          await this.options.loop.pass(commitMs);
          if (!program.isAlive) return never();
        }
        const fate = program === undefined ? 'done' : this.#fate();
        if (fate === 'dies-before') return this.#die();
        const result = await direct.commit(work);
        this.options.onCommit();
        return fate === 'dies-after' ? this.#die() : result;
      },
    };
  }

  #die<T>(): Promise<T> {
    this.kill();
    return never();
  }

  #fate(): CommitFate {
    for (const fault of this.commitFaults) {
      const fate = fault();
      if (fate !== 'done') return fate;
    }
    return 'done';
  }

  #app(): App {
    const { loop, relay, appKey, hosts } = this.options;
    const clock = {
      now: () => Math.floor(loop.nowMs),
      sleep: (ms: number, signal: AbortSignal) => sleepOn(loop, ms, signal),
    };
    const transport = createRelayClient({
      endpoint: 'https://relay.invalid',
      tokens: { token: async () => ({ value: 'token', expiresAtMs: Number.MAX_SAFE_INTEGER }) },
      signingKey: appKey,
      clock,
      random: () => this.#draw.fraction(),
      fetch: (url, init) => relay.fetch(url instanceof Request ? url.url : url.toString(), init ?? {}),
    });
    return {
      settings: readSettings({
        HYPERFERRY_HOSTS: hosts.join(','),
        HYPERFERRY_RELAY_ENDPOINT: 'https://relay.invalid',
        HYPERFERRY_SIGNING_KEY: 'held by the simulation',
        HYPERFERRY_LOOK_MS_MAX: String(this.options.lookMsMax),
        HYPERFERRY_SILENCE_MS_MAX: '60000',
      }),
      agents: new Agents(transport),
      documents: new Documents(this.blobs),
      staging: this.staging.containers,
      signingKey: appKey,
      now: () => new Date(Math.floor(loop.nowMs)),
    };
  }
}
