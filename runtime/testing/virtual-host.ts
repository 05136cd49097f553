import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { httpActivityName } from '../engine/http-call';
import { DirectCommitter } from '../engine/commit';
import type { VersionRules } from '../engine/versions';
import { isTerminal, type Store } from '../engine/store';
import { sendHttp } from '../host/http-activity';
import { Log } from '../host/log';
import type { HostStatus } from '../http/admin';
import { DurableApi } from '../http/durable-api';
import { endpointsOf, type FunctionCaller } from '../http/function-endpoint';
import { HttpFront } from '../http/front';
import type { Keys } from '../http/keys';
import { clientBinding, type LinkParts } from '../http/links';
import { LoopbackServer } from '../http/server';
import type { RetryContext } from '../timers/run-retry';
import { TimerFunctions, type TimerRunEnd } from '../timers/timer-functions';
import type { Call } from '../worker/messages';
import { CallRunner } from '../worker/run-call';
import { wireFunctions } from '../worker/wire-functions';
import { createTestEngine, type TestEngine } from './test-engine';

export type VirtualHostOptions = {
  /** Decides the order of work, as in `createTestEngine`. */
  readonly seed: number;
  /** Where the state lives; `close` leaves it open. */
  readonly store: Store;
  readonly keys: Keys;
  readonly hubName: string;
  readonly versions: VersionRules;
  readonly bodyBytesMax: number;
  /** As in `createTestEngine`. */
  readonly activitiesOverlap: boolean;
  /** App settings, for `%NAME%` in schedules. */
  readonly environment: Readonly<Record<string, string>>;
  /** Timer functions that run; the others rest, so that a jump over days does not run them thousands of times. */
  readonly timerFunctions: readonly string[];
};

/**
 * The runtime in this process over any store, with the HTTP front of the real host and the test engine's virtual time: time stands still until `pass` or `passToNext` moves it. The functions are those registered in this process.
 */
export class VirtualHost {
  readonly #engine: TestEngine;
  readonly #public: LoopbackServer;
  readonly #rpc: LoopbackServer;
  readonly #front: HttpFront;
  readonly #options: VirtualHostOptions;
  readonly #runner = new CallRunner();
  readonly #log = new Log({ levelMin: 'none' });
  #timers: TimerFunctions | undefined;
  #timerRuns = 0;
  #clientData = '';
  #port = 0;
  /** One piece of work at a time: the engine's turns must not overlap. */
  #working: Promise<void> = Promise.resolve();

  private constructor(options: VirtualHostOptions) {
    this.#options = options;
    this.#engine = createTestEngine({
      seed: options.seed,
      store: options.store,
      activitiesOverlap: options.activitiesOverlap,
      unconsumedEvents: 'keep',
      versions: options.versions,
      activities: { [httpActivityName]: (input) => sendHttp(input, noToken) },
    });
    const functions: FunctionCaller = {
      httpUri: async () => null,
      request: (name, call, invocationId) => this.#run(name, call, invocationId),
    };
    const { keys, bodyBytesMax, hubName } = options;
    const front = new HttpFront({
      functions,
      auth: 'on',
      keys,
      bodyBytesMax,
      customHeaders: {},
      status: () => statusOf(hubName),
      health: () => ({ reasons: [] }),
      log: this.#log,
    });
    this.#front = front;
    this.#public = this.#server((request, response, target) => front.serve(request, response, target));
    this.#rpc = this.#server((request, response, target) => front.serveRpc(request, response, target));
  }

  static async start(options: VirtualHostOptions): Promise<VirtualHost> {
    const host = new VirtualHost(options);
    await host.#listen();
    return host;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get keys(): Keys {
    return this.#options.keys;
  }

  nowMs(): number {
    return this.#engine.clock.now();
  }

  /** Lets virtual time pass; what is due on the way happens at its own time. */
  pass(ms: number): Promise<void> {
    return this.#alone(async () => {
      const untilMs = this.nowMs() + ms;
      for (;;) {
        await this.#quiet();
        const nextMs = this.#engine.nextMs();
        if (nextMs === undefined || nextMs > untilMs) break;
        await this.#engine.advance(nextMs - this.nowMs());
      }
      await this.#engine.advance(untilMs - this.nowMs());
    });
  }

  /**
   * Does what can be done now and then moves to the next moment at which something happens, if it comes within `msMax`: the end of an
   * activity that runs beside, for which time stands still, or else what a clock brings about. False when nothing comes.
   */
  async passToNext(msMax: number): Promise<boolean> {
    let hasMoved = false;
    await this.#alone(async () => {
      await this.#quiet();
      const ends = this.#engine.activityEnd;
      if (ends !== undefined) {
        await ends;
        await this.#quiet();
        hasMoved = true;
        return;
      }
      const nextMs = this.#engine.nextMs();
      hasMoved = nextMs !== undefined && nextMs <= this.nowMs() + msMax;
      if (hasMoved && nextMs !== undefined) await this.#engine.advance(nextMs - this.nowMs());
      await this.#quiet();
    });
    return hasMoved;
  }

  /** Does everything that can be done without time passing. */
  settle(): Promise<void> {
    return this.#alone(() => this.#quiet());
  }

  async close(): Promise<void> {
    await this.#timers?.stop();
    await Promise.all([this.#public.close(0), this.#rpc.close(0)]);
  }

  async #listen(): Promise<void> {
    const rpcPort = await this.#rpc.listen(0);
    this.#port = await this.#public.listen(0);
    const { hubName, keys, environment, timerFunctions } = this.#options;
    const rpcOrigin = `http://127.0.0.1:${rpcPort}`;
    const links: LinkParts = { origin: this.origin, rpcOrigin, hubName, systemKey: keys.durabletask_extension };
    this.#clientData = clientBinding(links);
    const { client, clock } = this.#engine;
    const invoker = this.#engine.invoker;
    const api = new DurableApi({
      client,
      invoker,
      clock,
      links,
      defaultVersion: this.#options.versions.version ?? undefined,
      whenEnded: (instanceId, untilMs) => this.#whenEnded(instanceId, untilMs - clock.now()),
    });
    const functions = wireFunctions();
    this.#front.open({ api, endpoints: endpointsOf(functions, 'api', () => undefined) });
    this.#timers = new TimerFunctions({
      store: this.#options.store,
      committer: new DirectCommitter(this.#options.store),
      clock,
      environment,
      run: (name, payload, retry) => this.#runTimer(name, payload, retry),
      random: () => 0.5,
      log: () => undefined,
    });
    this.#timers.start(functions.filter(({ name }) => timerFunctions.includes(name)));
  }

  /** A server whose every request may give the engine something to do. */
  #server(handle: ConstructorParameters<typeof LoopbackServer>[0]): LoopbackServer {
    return new LoopbackServer(async (request, response, target) => {
      response.once('close', () => void this.settle());
      await handle(request, response, target);
    }, this.#log);
  }

  async #run(functionName: string, call: Extract<Call, { kind: 'http' | 'timer' }>, invocationId: string) {
    const parts = { invocationId, functionName, clientData: this.#clientData, log: () => undefined };
    const end = await this.#runner.run(call, parts);
    if (end.kind === 'historyMissing') throw new Error(`${functionName} is no orchestrator`);
    return end;
  }

  async #runTimer(functionName: string, payload: string, retry: RetryContext | null): Promise<TimerRunEnd> {
    this.#timerRuns += 1;
    try {
      const ended = await this.#run(functionName, { kind: 'timer', payload, retry }, randomUUID());
      return ended.kind === 'threw' ? { message: ended.message, stackTrace: ended.stack } : 'done';
    } finally {
      this.#timerRuns -= 1;
    }
  }

  /** Real time: a caller waits, and virtual time stands still. */
  async #whenEnded(instanceId: string, msMax: number): Promise<void> {
    const untilMs = Date.now() + msMax;
    for (;;) {
      await this.settle();
      const row = this.#engine.client.instance(instanceId);
      if (row === undefined || isTerminal(row.status) || Date.now() >= untilMs) return;
      await sleep(Math.min(10, untilMs - Date.now()));
    }
  }

  async #quiet(): Promise<void> {
    do {
      await this.#engine.settle();
      if (this.#timerRuns > 0) await sleep(1);
    } while (this.#timerRuns > 0);
    await this.#engine.settle();
  }

  #alone(work: () => Promise<void>): Promise<void> {
    const before = this.#working;
    const mine = before.then(work);
    // One that fails must not stop those after it; who asked for it is told.
    this.#working = mine.catch(() => undefined);
    return mine;
  }
}

/** A test has no identity. */
const noToken = (): Promise<string> => Promise.reject(new Error('no identity is at hand'));

/** The status page of a host without a worker process and without files. */
const statusOf = (hubName: string): HostStatus => ({
  state: 'Running',
  version: process.version,
  processUptime: Math.round(process.uptime() * 1000),
  computerName: 'virtual',
  hubName,
  functionCount: wireFunctions().length,
  workerRestarts: 0,
  worker: { pid: null, memoryBytes: null },
  running: { turns: 0, activities: 0, activitiesWaiting: 0 },
  stateFiles: { folder: '', schemaVersion: 0, databaseBytes: 0, logBytes: 0, takesWrites: true },
  unsupported: [],
});
