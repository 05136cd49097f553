import { describeThrown } from '../../contracts/failure';
import type { FunctionKind, Invocation, InvocationEnd, Invoker } from '../engine/invoker';
import { typedDataOf, type Call, type WireFunction, type WireResponse } from '../worker/messages';
import { Gate } from './gate';
import { SentHistories } from './sent-histories';
import { WorkerProcess, type CallEnd, type LoadedApp, type WorkerParts } from './worker-process';

export type SupervisorParts = Omit<WorkerParts, 'clientData'> & { readonly functionTimeoutMs: number };

const backoffMsMin = 100;
const backoffMsMax = 30_000;
type Running = { readonly worker: WorkerProcess; readonly app: LoadedApp; readonly sent: SentHistories };

export type HttpEnd =
  | { readonly kind: 'http'; readonly response: WireResponse }
  | Exclude<CallEnd, { kind: 'http' | 'historyMissing' }>
  | { readonly kind: 'stopped' };

/** Keeps one worker process alive and hands it the engine's invocations; a dead worker is replaced after a pause. */
export class Supervisor implements Invoker {
  readonly #parts: SupervisorParts;
  readonly #gate = new Gate();
  #functions: readonly WireFunction[] = [];
  #byName = new Map<string, WireFunction>();
  #clientData = '';
  #environment: Readonly<Record<string, string>> = {};
  #current: Promise<Running> | undefined;
  #worker: WorkerProcess | undefined;
  #isStopping = false;
  #backoffMs = backoffMsMin;
  #restarts = 0;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
  }

  /**
   * Starts the first worker; rejects when it cannot load the app. `clientData` is JSON text for durable client bindings,
   * `environment` what the app's environment lacks.
   */
  async start(clientData: string, environment: Readonly<Record<string, string>>): Promise<void> {
    this.#clientData = clientData;
    this.#environment = { ...environment, ...this.#parts.environment };
    const running = await this.#launch();
    this.#functions = running.app.functions;
    this.#byName = new Map(this.#functions.map((wire) => [wire.name.toLowerCase(), wire]));
    this.#keep(running);
  }

  get functions(): readonly WireFunction[] {
    return this.#functions;
  }

  /** How often a worker had to be replaced. */
  get restarts(): number {
    return this.#restarts;
  }

  kindOf(functionName: string): FunctionKind | undefined {
    return this.#byName.get(functionName.toLowerCase())?.kind;
  }

  namesOf(kind: FunctionKind): readonly string[] {
    return this.#functions.filter((wire) => wire.kind === kind).map((wire) => wire.name);
  }

  async invoke(invocation: Invocation, options: { readonly isAlone: boolean }): Promise<InvocationEnd> {
    return this.#gate.pass(options.isAlone, async () => {
      const running = await this.#running();
      if (running === undefined) return { kind: 'stopped' };
      const ended = await this.#carryOut(running, invocation);
      return ended.kind === 'lost' && this.#isStopping ? { kind: 'stopped' } : ended;
    });
  }

  async #carryOut(running: Running, invocation: Invocation): Promise<InvocationEnd> {
    if (invocation.kind === 'activity' && invocation.next !== undefined) {
      const { functionName, turn, taskId } = invocation.next;
      const ahead = running.sent.turnAhead(turn);
      if (ahead !== undefined) return this.#step(running, invocation, { functionName, taskId, turn: ahead });
    }
    if (invocation.kind === 'orchestrator' && invocation.ahead !== undefined) {
      const ended = await invocation.ahead.ended;
      if (ended === undefined) return invocationEnd(await this.#call(running, invocation, 'whole'));
      running.sent.note(invocation.turn);
      return ended;
    }
    const ended = await this.#call(running, invocation, 'new');
    return invocationEnd(ended.kind === 'historyMissing' ? await this.#call(running, invocation, 'whole') : ended);
  }

  async #step(
    running: Running,
    { functionName, instanceId, input }: Extract<Invocation, { kind: 'activity' }>,
    next: Parameters<WorkerProcess['callStep']>[2],
  ): Promise<InvocationEnd> {
    const call = { kind: 'activity' as const, instanceId, input, next: null };
    const { end, ahead } = await running.worker.callStep(functionName, call, next, this.#parts.functionTimeoutMs);
    const ended = invocationEnd(end);
    if (ended.kind !== 'returned' || ahead === undefined) return ended;
    const turn = ahead.ended.then((of) => (of.kind === 'historyMissing' ? undefined : invocationEnd(of)));
    return { ...ended, ahead: { atMs: ahead.atMs, ended: turn } };
  }

  #call({ worker, sent }: Running, invocation: Invocation, extent: 'new' | 'whole'): Promise<CallEnd> {
    return worker.call(invocation.functionName, wireCall(invocation, sent, extent), this.#parts.functionTimeoutMs);
  }

  /** Runs an HTTP or timer function. */
  async request(
    functionName: string,
    call: Extract<Call, { kind: 'http' | 'timer' }>,
    invocationId: string,
  ): Promise<HttpEnd> {
    return this.#gate.pass(false, async (): Promise<HttpEnd> => {
      const running = await this.#running();
      if (running === undefined) return { kind: 'stopped' };
      const ended = await running.worker.call(functionName, call, this.#parts.functionTimeoutMs, invocationId);
      return ended.kind === 'historyMissing' ? { kind: 'lost', reason: 'an answer that does not fit' } : ended;
    });
  }

  /** Where the worker takes streamed requests; null when the app does not stream. */
  async httpUri(): Promise<string | null> {
    return (await this.#running())?.app.httpUri ?? null;
  }

  /** The worker's process id; undefined while there is none that has loaded the app. */
  get pid(): number | undefined {
    return this.#worker?.pid;
  }

  /** What the worker's process holds of the machine's memory, as it said last. */
  get memoryBytes(): number | undefined {
    return this.#worker?.memoryBytes;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const current = this.#current;
    this.#current = undefined;
    await (await current?.catch(() => undefined))?.worker.stop();
  }

  async #running(): Promise<Running | undefined> {
    return this.#isStopping ? undefined : this.#current;
  }

  async #launch(): Promise<Running> {
    const worker = new WorkerProcess({
      ...this.#parts,
      environment: this.#environment,
      clientData: this.#clientData,
    });
    const app = await worker.loaded;
    return { worker, app, sent: new SentHistories() };
  }

  #keep(running: Running): void {
    this.#current = Promise.resolve(running);
    this.#worker = running.worker;
    void running.worker.exited.then((reason) => {
      this.#worker = undefined;
      if (this.#isStopping) return;
      if (running.worker.isProven) this.#backoffMs = backoffMsMin;
      this.#parts.log.error(`Worker process ${running.worker.pid} is gone: ${reason}. Starting another.`);
      this.#current = this.#relaunch();
    });
  }

  /** Tries until a worker has loaded the app; invocations wait for it meanwhile. */
  async #relaunch(): Promise<Running> {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, this.#backoffMs));
      this.#backoffMs = Math.min(this.#backoffMs * 2, backoffMsMax);
      this.#restarts += 1;
      try {
        const running = await this.#launch();
        this.#keep(running);
        return running;
      } catch (thrown) {
        if (this.#isStopping) throw thrown;
        this.#parts.log.error(`A new worker cannot load the app: ${describeThrown(thrown)}`);
      }
    }
  }
}

function wireCall(invocation: Invocation, sent: SentHistories, extent: 'new' | 'whole'): Call {
  switch (invocation.kind) {
    case 'orchestrator':
      return { kind: 'orchestrator', turn: sent.wireTurn(invocation.turn, extent) };
    case 'activity':
      return { kind: 'activity', instanceId: invocation.instanceId, input: invocation.input, next: null };
    case 'entity': {
      const { name, key, exists, state, operations } = invocation.batch;
      return { kind: 'entity', payload: JSON.stringify({ self: { name, key }, exists, state, batch: operations }) };
    }
  }
}

function invocationEnd(ended: CallEnd): InvocationEnd {
  switch (ended.kind) {
    case 'returned':
      return { kind: 'returned', value: ended.value === null ? null : typedDataOf(ended.value) };
    case 'threw':
    case 'lost':
      return ended;
    case 'http':
    case 'historyMissing':
      return { kind: 'lost', reason: `the worker gave an answer that does not fit: ${ended.kind}` };
  }
}
