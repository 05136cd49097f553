import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Duplex } from 'node:stream';
import { FrameChannel } from '../worker/frames';
import type { Call, FromWorker, ToWorker, WireEnd, WireFunction, WireNextTurn } from '../worker/messages';
import { readFromWorker } from '../worker/read-messages';
import { logLevelOf, type Log } from './log';
import { residentBytes } from './resident-bytes';

export type WorkerParts = {
  readonly appFolder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** JSON text for durable client bindings. */
  readonly clientData: string;
  readonly log: Log;
  /** A worker whose event loop gives no sign for so long is taken for hung. */
  readonly silenceMsMax: number;
  /** A worker that holds more of the machine's memory is replaced. */
  readonly memoryBytesMax: number;
};

/** What a loaded worker offers. */
export type LoadedApp = { readonly functions: readonly WireFunction[]; readonly httpUri: string | null };

export type CallEnd = WireEnd | { readonly kind: 'lost'; readonly reason: string };

/** The time in which the app has to be loaded; the host in Azure gives as much. */
const loadMsMax = 60_000;
const stopMsMax = 5_000;
/** How often a worker's memory is looked at. */
const memoryLookMs = 500;
/** Time for a process whose channel has ended to end itself. */
const exitMsMax = 500;

/** `goesOnAtMs`: see the message 'ended'. */
type OnEnd = (end: CallEnd, goesOnAtMs: number | null) => void;
type Pending = { readonly onEnd: OnEnd; readonly timer: NodeJS.Timeout };

/** How an activity ended, and the turn that the worker has begun then. */
export type StepEnd = {
  readonly end: CallEnd;
  readonly ahead: { readonly atMs: number; readonly ended: Promise<CallEnd> } | undefined;
};

/** One worker process from its start to its end. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #channel: FrameChannel;
  readonly #log: Log;
  readonly #pending = new Map<number, Pending>();
  readonly #loaded = Promise.withResolvers<LoadedApp>();
  readonly #exited = Promise.withResolvers<string>();
  readonly #stopped = Promise.withResolvers<undefined>();
  #idNext = 1;
  #lastSignMs = Date.now();
  #completedCalls = 0;
  #endReason: string | undefined;
  #memoryBytes: number | undefined;

  constructor(parts: WorkerParts) {
    this.#log = parts.log;
    this.#child = spawn(process.execPath, [...nodeArguments(parts.environment), join(__dirname, '../worker/main.js')], {
      cwd: parts.appFolder,
      env: { ...parts.environment },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    const pipe = this.#child.stdio[3];
    if (!(pipe instanceof Duplex)) throw new Error('a child process without its fourth pipe');
    this.#channel = new FrameChannel(
      pipe,
      (value) => this.#take(readFromWorker(value)),
      // The exit that mostly follows tells more.
      (reason) => void setTimeout(() => this.kill(`its channel broke: ${reason}`), exitMsMax).unref(),
    );
    this.#loaded.promise.catch(() => undefined);
    this.#forwardOutput();
    this.#child.on('error', (error) => this.#end(`it cannot be started: ${error.message}`));
    this.#child.on('exit', (code, signal) => this.#end(this.#endReason ?? endText(code, signal)));
    this.#watch(parts.silenceMsMax);
    this.#watchMemory(parts.memoryBytesMax);
    this.#send({ type: 'load', appFolder: parts.appFolder, clientData: parts.clientData });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What the process holds of the machine's memory, as far as that was seen. */
  get memoryBytes(): number | undefined {
    return this.#memoryBytes;
  }

  /** Whether it has carried out a call, and so is of use. */
  get isProven(): boolean {
    return this.#completedCalls > 0;
  }

  /** Rejects when the app cannot be loaded. */
  get loaded(): Promise<LoadedApp> {
    return this.#loaded.promise;
  }

  /** Resolves with the reason when the process has ended. */
  get exited(): Promise<string> {
    return this.#exited.promise;
  }

  /** Never rejects. A call that takes longer than `msMax` takes the worker with it, since code cannot be interrupted. */
  call(functionName: string, call: Call, msMax: number, invocationId: string = randomUUID()): Promise<CallEnd> {
    return new Promise((resolve) => {
      const id = this.#expect(functionName, msMax, resolve);
      if (id !== undefined) this.#send({ type: 'invoke', id, invocationId, functionName, call });
    });
  }

  /** Calls an activity. The worker goes on with `next` when it returns; each of the two has `msMax` for itself. */
  callStep(
    functionName: string,
    call: Extract<Call, { kind: 'activity' }>,
    next: Pick<WireNextTurn, 'functionName' | 'taskId' | 'turn'>,
    msMax: number,
  ): Promise<StepEnd> {
    const nextId = this.#idNext++;
    return new Promise((resolve) => {
      const id = this.#expect(functionName, msMax, (end, atMs) => {
        const ended = (): Promise<CallEnd> =>
          new Promise((onEnd) => void this.#expect(next.functionName, msMax, onEnd, nextId));
        resolve({ end, ahead: atMs === null ? undefined : { atMs, ended: ended() } });
      });
      if (id === undefined) return;
      const whole = { ...call, next: { ...next, id: nextId, invocationId: randomUUID() } };
      this.#send({ type: 'invoke', id, invocationId: randomUUID(), functionName, call: whole });
    });
  }

  /** Waits for the end of a call from now on; undefined when the worker is gone already, and so the call lost. */
  #expect(functionName: string, msMax: number, onEnd: OnEnd, id = this.#idNext++): number | undefined {
    if (this.#endReason !== undefined) {
      onEnd({ kind: 'lost', reason: this.#endReason }, null);
      return undefined;
    }
    const timer = setTimeout(() => this.#timeOut(id, functionName, msMax), msMax);
    timer.unref();
    this.#pending.set(id, { onEnd, timer });
    return id;
  }

  #timeOut(id: number, functionName: string, msMax: number): void {
    const message = `Timeout value of ${msMax / 1000} s was exceeded by function: Functions.${functionName}`;
    this.#settle(id, { kind: 'threw', name: 'FunctionTimeoutException', message, stack: '' });
    this.kill(message);
  }

  /** Asks the worker to end, then ends it. */
  async stop(): Promise<void> {
    if (this.#endReason !== undefined) return;
    this.#send({ type: 'stop' });
    const late = setTimeout(() => this.#stopped.resolve(undefined), stopMsMax);
    await this.#stopped.promise;
    clearTimeout(late);
    this.kill('the host stops');
    await this.exited;
  }

  kill(reason: string): void {
    this.#endReason ??= reason;
    this.#child.kill('SIGKILL');
  }

  #send(message: ToWorker): void {
    this.#channel.send(message);
  }

  #take(message: FromWorker): void {
    this.#lastSignMs = Date.now();
    switch (message.type) {
      case 'loaded':
        this.#loaded.resolve(message);
        return;
      case 'loadFailed':
        this.#loaded.reject(new Error(message.message));
        this.kill(message.message);
        return;
      case 'ended':
        this.#completedCalls += 1;
        this.#settle(message.id, message.end, message.goesOnAtMs);
        return;
      case 'stopped':
        this.#stopped.resolve(undefined);
        return;
      case 'log':
        this.#writeLog(message);
        return;
      case 'pong':
        this.#memoryBytes = message.memoryBytes;
        return;
    }
  }

  #writeLog(line: Extract<FromWorker, { type: 'log' }>): void {
    const category =
      line.functionName === null ? 'Worker' : `Function.${line.functionName}${line.category === 'user' ? '.User' : ''}`;
    this.#log.line(logLevelOf(line.level), category, line.message);
  }

  #settle(id: number, end: CallEnd, goesOnAtMs: number | null = null): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    clearTimeout(pending?.timer);
    pending?.onEnd(end, goesOnAtMs);
  }

  #end(reason: string): void {
    this.#endReason ??= reason;
    this.#loaded.reject(new Error(reason));
    this.#stopped.resolve(undefined);
    for (const id of [...this.#pending.keys()]) this.#settle(id, { kind: 'lost', reason });
    this.#exited.resolve(reason);
  }

  /** Bounds the time to load, and from then on the time without a sign. None of it keeps the host running. */
  #watch(silenceMsMax: number): void {
    const loadTimer = setTimeout(() => this.kill(`it has not loaded the app within ${loadMsMax / 1000} s`), loadMsMax);
    loadTimer.unref();
    const stop = (): void => clearTimeout(loadTimer);
    this.#loaded.promise.then(() => {
      stop();
      this.#pingFromNowOn(silenceMsMax);
    }, stop);
  }

  #pingFromNowOn(silenceMsMax: number): void {
    let pings = 0;
    const timer = setInterval(() => {
      const silentMs = Date.now() - this.#lastSignMs;
      if (silentMs > silenceMsMax) this.kill(`it has given no sign for ${Math.round(silentMs / 1000)} s`);
      else this.#send({ type: 'ping', id: ++pings });
    }, silenceMsMax / 4);
    timer.unref();
    void this.exited.then(() => clearInterval(timer));
  }

  /** The operating system is asked where it tells (Linux), so that a worker that does not answer is seen too. */
  #watchMemory(bytesMax: number): void {
    const timer = setInterval(() => {
      this.#memoryBytes = residentBytes(this.pid) ?? this.#memoryBytes;
      if (this.#memoryBytes === undefined || this.#memoryBytes <= bytesMax) return;
      this.kill(`it holds ${toMib(this.#memoryBytes)} MiB of memory, above the limit of ${toMib(bytesMax)} MiB`);
    }, memoryLookMs);
    timer.unref();
    void this.exited.then(() => clearInterval(timer));
  }

  /** What the app prints becomes log lines: standard output of the host is for its own announcement. */
  #forwardOutput(): void {
    const forward = (stream: NodeJS.ReadableStream | null, level: 'information' | 'error'): void => {
      if (stream === null) return;
      createInterface({ input: stream }).on('line', (line) => this.#log.line(level, 'Worker.Console', line));
    };
    forward(this.#child.stdout, 'information');
    forward(this.#child.stderr, 'error');
  }
}

/** Node ends itself with SIGABRT (or its exit code) when its heap is full and nothing else says so. */
function endText(code: number | null, signal: NodeJS.Signals | null): string {
  const end = `it ended with ${signal ?? `exit code ${code}`}`;
  return signal === 'SIGABRT' || code === 134 ? `${end}, as Node does when its heap is full` : end;
}

const toMib = (bytes: number): number => Math.round(bytes / 1024 ** 2);

/** Arguments for node from the app setting that Azure has for it. */
const nodeArguments = (environment: Readonly<Record<string, string>>): string[] =>
  (environment['languageWorkers__node__arguments'] ?? '').split(/\s+/).filter((argument) => argument !== '');
