import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { describeThrown } from '../../contracts/failure';
import { realClock } from '../engine/clock';
import { EngineClient } from '../engine/client';
import { GroupCommitter, PatientCommitter } from '../engine/commit';
import { Dispatcher } from '../engine/dispatcher';
import { Engine } from '../engine/engine';
import type { Work } from '../engine/instances';
import { isTerminal } from '../engine/store';
import type { HostStatus } from '../http/admin';
import { DurableApi } from '../http/durable-api';
import { HttpFront } from '../http/front';
import { endpointsOf } from '../http/function-endpoint';
import type { Health } from '../http/health';
import { loadKeys, type Keys } from '../http/keys';
import { clientBinding, type LinkParts } from '../http/links';
import { LoopbackServer } from '../http/server';
import { SqliteStore } from '../store/sqlite';
import type { RetryContext } from '../timers/run-retry';
import { TimerFunctions, type TimerRunEnd } from '../timers/timer-functions';
import type { WireFunction } from '../worker/messages';
import { AgePurge } from './age-purge';
import { unsupportedBindings, unsupportedText } from './bindings';
import { EndWatch } from './end-watch';
import { loggingObserver, observedInvoker, observedRequests, type InvocationObserver } from './invocations';
import { withHttpActivity } from './http-activity';
import type { Log } from './log';
import type { Settings } from './settings';
import { Supervisor } from './supervisor';
import { startTelemetry, type Telemetry } from './telemetry';

export type HostOptions = {
  readonly appFolder: string;
  readonly stateFolder: string;
  readonly port: number;
  readonly settings: Settings;
  /** Whether keys are asked for; 'off' is for development, where only this machine reaches the port. */
  readonly auth: 'on' | 'off';
  readonly log: Log;
  /** A worker whose event loop gives no sign for so long is replaced. */
  readonly workerSilenceMsMax: number;
  /** A worker that holds more memory is replaced. */
  readonly workerMemoryBytesMax: number;
  /** Orchestrations that ended longer ago are forgotten; undefined keeps them. */
  readonly endedMsMax: number | undefined;
};

/** How often an invocation may take its worker down before it fails for good. */
const triesMax = 5;
/** What running work and requests get to finish when the host stops. */
const graceMs = 10_000;
const bodyBytesMaxDefault = 100 * 1024 * 1024;
const loopback = '127.0.0.1';

/** The port is taken, or may not be listened on. */
export class PortNotFree extends Error {}
/** The app's code failed while it was loaded; `cause` says how. */
export class AppNotLoaded extends Error {}

/** The runtime of one app on one machine: state, worker, HTTP, timers. */
export class RuntimeHost {
  readonly #options: HostOptions;
  readonly #store: SqliteStore;
  readonly #keys: Keys;
  readonly #client: EngineClient;
  readonly #supervisor: Supervisor;
  readonly #engine: Engine;
  readonly #dispatcher: Dispatcher;
  readonly #timers: TimerFunctions;
  readonly #endWatch: EndWatch;
  readonly #public: LoopbackServer;
  readonly #rpc: LoopbackServer;
  readonly #committer: GroupCommitter;
  readonly #front: HttpFront;
  readonly #purge: AgePurge | undefined;
  readonly #requests: ReturnType<typeof observedRequests>;
  #telemetry: Telemetry | undefined;
  #state: HostStatus['state'] = 'Starting';

  /** Opens the state; throws `StateUnusable` when that cannot be. `onBroken` is told when the state breaks later. */
  constructor(options: HostOptions, onBroken: (reason: string) => void) {
    const { log, settings } = options;
    this.#options = options;
    this.#store = new SqliteStore(options.stateFolder, { onBroken });
    this.#keys = loadKeys(options.stateFolder);
    this.#committer = new GroupCommitter(this.#store);
    const onWork = (work: readonly Work[]): void => this.#note(work);
    const common = { store: this.#store, clock: realClock, newId: randomUUID, onWork };
    this.#client = new EngineClient({ ...common, committer: this.#committer });
    this.#endWatch = new EndWatch((instanceId) => {
      const row = this.#client.instance(instanceId);
      return row === undefined || isTerminal(row.status);
    });
    const patient = new PatientCommitter(this.#committer, realClock, (reason) => log.warn(`${reason} Trying again.`));
    this.#supervisor = new Supervisor({
      appFolder: options.appFolder,
      environment: settings.environment,
      functionTimeoutMs: settings.functionTimeoutMs,
      silenceMsMax: options.workerSilenceMsMax,
      memoryBytesMax: options.workerMemoryBytesMax,
      log,
    });
    const logIt = loggingObserver(log);
    const observe: InvocationObserver = (record) => {
      logIt(record);
      this.#telemetry?.observe(record);
    };
    this.#requests = observedRequests(this.#supervisor, observe);
    this.#engine = new Engine({
      ...common,
      committer: patient,
      invoker: observedInvoker(withHttpActivity(this.#supervisor), observe),
      unconsumedEvents: 'keep',
      versions: settings.versions,
      triesMax,
      log: (line) => log.warn(line),
    });
    this.#dispatcher = new Dispatcher(this.#engine, {
      clock: realClock,
      turnsMax: settings.orchestratorsMax,
      activitiesMax: settings.activitiesMax,
      log: (line) => log.error(line),
    });
    this.#timers = new TimerFunctions({
      store: this.#store,
      committer: patient,
      clock: realClock,
      environment: settings.environment,
      run: (functionName, payload, retry) => this.#runTimer(functionName, payload, retry),
      random: Math.random,
      log: (line) => log.error(line),
    });
    if (options.endedMsMax !== undefined) {
      this.#purge = new AgePurge({
        committer: this.#committer,
        clock: realClock,
        endedMsMax: options.endedMsMax,
        info: (line) => log.info(line),
        error: (line) => log.error(line),
      });
    }
    const front = new HttpFront({
      functions: this.#requests,
      auth: options.auth,
      keys: this.#keys,
      bodyBytesMax: Number(settings.environment['FUNCTIONS_REQUEST_BODY_SIZE_LIMIT'] ?? bodyBytesMaxDefault),
      customHeaders: settings.customHeaders,
      status: () => this.#status(),
      health: () => this.#health(),
      log,
    });
    this.#front = front;
    this.#public = new LoopbackServer((request, response, target) => front.serve(request, response, target), log);
    this.#rpc = new LoopbackServer((request, response, target) => front.serveRpc(request, response, target), log);
  }

  /** Starts everything and returns the port. Rejects with `PortNotFree` or `AppNotLoaded`; `stop` is to be called then too. */
  async start(): Promise<{ readonly port: number; readonly functions: readonly WireFunction[] }> {
    const { settings, log } = this.#options;
    this.#telemetry = await startTelemetry(process.env, () => this.#dispatcher.counts(), log);
    const rpcPort = await this.#rpc.listen(0);
    const port = await listening(this.#public, this.#options.port);
    const links: LinkParts = {
      origin: `http://${loopback}:${port}`,
      rpcOrigin: `http://${loopback}:${rpcPort}`,
      hubName: settings.hubName,
      systemKey: this.#keys.durabletask_extension,
    };
    await this.#startWorker(links, port);
    const api = new DurableApi({
      client: this.#client,
      invoker: this.#supervisor,
      clock: realClock,
      links,
      defaultVersion: settings.versions.version ?? undefined,
      whenEnded: (instanceId, untilMs) => this.#endWatch.whenEnded(instanceId, untilMs - realClock.now()),
    });
    const { functions } = this.#supervisor;
    const endpoints = endpointsOf(functions, settings.routePrefix, (message) => log.error(message));
    this.#dispatcher.start();
    this.#timers.start(functions);
    this.#purge?.start();
    this.#front.open({ api, endpoints });
    this.#state = 'Running';
    return { port, functions };
  }

  async #startWorker(links: LinkParts, port: number): Promise<void> {
    try {
      await this.#supervisor.start(clientBinding(links), {
        // durable-functions takes links that name another host for a mistake, unless it is told the app's own.
        WEBSITE_HOSTNAME: `${loopback}:${port}`,
        FUNCTIONS_WORKER_RUNTIME: 'node',
      });
    } catch (thrown) {
      throw new AppNotLoaded('the app cannot be loaded', { cause: thrown });
    }
  }

  /** Lets what runs finish for a while, then ends the worker and closes the state. */
  async stop(): Promise<void> {
    this.#state = 'Stopping';
    this.#options.log.info('Stopping.');
    this.#front.close();
    await Promise.all([
      this.#public.close(graceMs),
      this.#purge?.stop(),
      this.#dispatcher.stop(graceMs),
      Promise.race([this.#timers.stop(), new Promise((resolve) => setTimeout(resolve, graceMs).unref())]),
    ]);
    await this.#supervisor.stop();
    await Promise.race([this.#engine.save(), new Promise((resolve) => setTimeout(resolve, graceMs).unref())]);
    await this.#rpc.close(0);
    this.#committer.flush();
    this.#store.close();
    await this.#telemetry?.stop();
  }

  #note(work: readonly Work[]): void {
    this.#dispatcher.add(work);
    this.#endWatch.note(work);
  }

  async #runTimer(functionName: string, payload: string, retry: RetryContext | null): Promise<TimerRunEnd> {
    const ended = await this.#requests.request(functionName, { kind: 'timer', payload, retry }, randomUUID());
    if (ended.kind === 'threw') {
      this.#options.log.line('error', `Function.${functionName}`, `${ended.name}: ${ended.message} ${ended.stack}`);
      return { message: ended.message, stackTrace: ended.stack };
    }
    return ended.kind === 'lost' || ended.kind === 'stopped' ? ended.kind : 'done';
  }

  #health(): Health {
    return {
      reasons: [
        ...(this.#state === 'Starting' ? (['starting'] as const) : []),
        ...(this.#state === 'Stopping' ? (['stopping'] as const) : []),
        ...(this.#state === 'Running' && this.#supervisor.pid === undefined
          ? (['workerIsBeingReplaced'] as const)
          : []),
        ...(this.#store.takesWrites() ? [] : (['stateTakesNoWrites'] as const)),
      ],
    };
  }

  #status(): HostStatus {
    const { pid, memoryBytes, functions, restarts } = this.#supervisor;
    return {
      state: this.#state,
      version: process.version,
      processUptime: Math.round(process.uptime() * 1000),
      computerName: hostname(),
      hubName: this.#options.settings.hubName,
      functionCount: functions.length,
      workerRestarts: restarts,
      worker: { pid: pid ?? null, memoryBytes: memoryBytes ?? null },
      running: this.#dispatcher.counts(),
      stateFiles: { folder: this.#options.stateFolder, ...this.#store.files() },
      unsupported: unsupportedBindings(functions).map(unsupportedText),
    };
  }
}

/** Listens, or says that the port is somebody else's. */
async function listening(server: LoopbackServer, port: number): Promise<number> {
  try {
    return await server.listen(port);
  } catch (thrown) {
    throw new PortNotFree(`port ${port} of ${loopback} cannot be had: ${describeThrown(thrown)}`, { cause: thrown });
  }
}
