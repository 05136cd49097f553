/**
 * The worker process: loads the app, carries out the host's calls, and ends when the host does.
 * It talks over file descriptor 3; standard output and error belong to the app.
 */
import { Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { describeThrown } from '../../contracts/failure';
import { eventsAfter } from '../engine/ahead';
import { setLogSink } from '../core/functions-core';
import { runAppHooks, threw, type LogLine } from '../core/invoke';
import { FrameChannel } from './frames';
import { installCore } from './install-core';
import { loadApp } from './load-app';
import { typedDataOf, type FromWorker, type ToWorker, type WireEnd, type WireNextTurn } from './messages';
import { readToWorker } from './read-messages';
import { CallRunner, httpUri } from './run-call';
import { wireFunctions } from './wire-functions';

const hostChannel = 3;

/** Time that the app's terminate hooks get before the process ends anyway. */
const terminateHooksMsMax = 5000;

class WorkerProcess {
  readonly #channel: FrameChannel;
  readonly #runner = new CallRunner();
  #appFolder = '';
  #clientData = '';

  constructor() {
    const socket = new Socket({ fd: hostChannel, readable: true, writable: true });
    this.#channel = new FrameChannel(
      socket,
      (value) => this.#take(readToWorker(value)),
      () => process.exit(0),
    );
    setLogSink((level, category, message) => this.#log({ level, category, message }));
  }

  #send(message: FromWorker): void {
    this.#channel.send(message);
  }

  #log(line: Pick<LogLine, 'level' | 'category' | 'message'> & Partial<LogLine>): void {
    const { level, category, message, functionName = null, invocationId = null } = line;
    this.#send({ type: 'log', level, category, message, functionName, invocationId });
  }

  #take(message: ToWorker): void {
    switch (message.type) {
      case 'load':
        void this.#load(message.appFolder, message.clientData);
        return;
      case 'invoke':
        void this.#invoke(message);
        return;
      case 'ping':
        this.#send({ type: 'pong', id: message.id, memoryBytes: process.memoryUsage.rss() });
        return;
      case 'stop':
        void this.#stop();
        return;
    }
  }

  async #load(appFolder: string, clientData: string): Promise<void> {
    this.#appFolder = appFolder;
    this.#clientData = clientData;
    try {
      installCore();
      await loadApp(appFolder);
      await runAppHooks('appStart', appFolder);
      this.#send({ type: 'loaded', functions: wireFunctions(), httpUri: await httpUri() });
    } catch (thrown) {
      this.#send({ type: 'loadFailed', message: describeThrown(thrown) });
    }
  }

  async #invoke(message: Extract<ToWorker, { type: 'invoke' }>): Promise<void> {
    const { id, invocationId, functionName, call } = message;
    const log = (line: LogLine): void => this.#log(line);
    try {
      const end = await this.#runner.run(call, { invocationId, functionName, clientData: this.#clientData, log });
      if (call.kind === 'activity' && call.next !== null && end.kind === 'returned') {
        await this.#goOn(id, end, call.next);
      } else {
        this.#send({ type: 'ended', id, end, goesOnAtMs: null });
      }
    } catch (thrown) {
      this.#send({ type: 'ended', id, end: threw(thrown), goesOnAtMs: null });
    }
  }

  /** Tells the end of an activity, and plays the turn that follows from it without waiting to be asked. */
  async #goOn(id: number, end: Extract<WireEnd, { kind: 'returned' }>, next: WireNextTurn): Promise<void> {
    const goesOnAtMs = Date.now();
    // The activity has ended whatever becomes of the turn; and the host has something to do meanwhile.
    this.#channel.sendNow({ type: 'ended', id, end, goesOnAtMs } satisfies FromWorker);
    const events = eventsAfter(next.taskId, end.value === null ? null : typedDataOf(end.value), goesOnAtMs);
    const turn = { ...next.turn, events: [...next.turn.events, ...events] };
    await this.#invoke({ type: 'invoke', ...next, call: { kind: 'orchestrator', turn } });
  }

  async #stop(): Promise<void> {
    setTimeout(() => process.exit(0), terminateHooksMsMax).unref();
    try {
      await runAppHooks('appTerminate', this.#appFolder);
    } catch (thrown) {
      this.#log({ level: 'error', category: 'system', message: `a terminate hook failed: ${describeThrown(thrown)}` });
    }
    this.#send({ type: 'stopped' });
  }
}

/** A thread that ends the process when the host is gone, even while the app's code blocks the main thread. */
function watchHost(): void {
  const script = `
    const parent = process.ppid;
    setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL'); }, 1000);
  `;
  new Worker(script, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 8 } }).unref();
}

// The host decides when its worker ends; such signals may reach the whole group of processes.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
watchHost();
new WorkerProcess();
