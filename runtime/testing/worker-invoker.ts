import { appRegistry } from '../core/registry';
import type { LogLine } from '../core/invoke';
import { eventsAfter } from '../engine/ahead';
import type { FunctionKind, Invocation, InvocationEnd, Invoker } from '../engine/invoker';
import { SentHistories } from '../host/sent-histories';
import { OrchestratorTurns } from '../worker/orchestrator-turns';
import type { WireTurn } from '../worker/messages';

/** Plays orchestrators as a worker process does, in this process: with mirrored histories and orchestrations that are kept warm. */
export class WorkerInvoker implements Invoker {
  readonly #own: Invoker;
  readonly #log: (line: LogLine) => void;
  readonly #now: () => number;
  #sent = new SentHistories();
  #turns = new OrchestratorTurns();
  #invocations = 0;
  /** Turns whose answers held only what was new. */
  continuedTurns = 0;
  /** Turns that were played ahead, and were the ones to be played. */
  turnsTakenAhead = 0;

  constructor(own: Invoker, log: (line: LogLine) => void, now: () => number) {
    this.#own = own;
    this.#log = log;
    this.#now = now;
  }

  kindOf(functionName: string): FunctionKind | undefined {
    return this.#own.kindOf(functionName);
  }

  namesOf(kind: FunctionKind): readonly string[] {
    return this.#own.namesOf(kind);
  }

  /** The worker is gone, and another takes its place. */
  replaceWorker(): void {
    this.#sent = new SentHistories();
    this.#turns = new OrchestratorTurns();
  }

  async invoke(invocation: Invocation, options: { readonly isAlone: boolean }): Promise<InvocationEnd> {
    if (invocation.kind === 'activity') return this.#step(invocation, options);
    if (invocation.kind === 'entity') return this.#own.invoke(invocation, options);
    const { functionName, turn, ahead } = invocation;
    const ended = await (ahead?.ended ?? this.#play(functionName, this.#sent.wireTurn(turn, 'new')));
    if (ahead !== undefined && ended !== undefined) {
      this.turnsTakenAhead += 1;
      this.#sent.note(turn);
    }
    return ended ?? (await this.#play(functionName, this.#sent.wireTurn(turn, 'whole'))) ?? { kind: 'stopped' };
  }

  /** An activity, and the turn after it. */
  async #step(
    invocation: Extract<Invocation, { kind: 'activity' }>,
    options: { readonly isAlone: boolean },
  ): Promise<InvocationEnd> {
    const { next } = invocation;
    const turn = next === undefined ? undefined : this.#sent.turnAhead(next.turn);
    const ended = await this.#own.invoke(invocation, options);
    if (next === undefined || turn === undefined || ended.kind !== 'returned') return ended;
    const atMs = this.#now();
    const events = [...turn.events, ...eventsAfter(next.taskId, ended.value, atMs)];
    return { ...ended, ahead: { atMs, ended: this.#play(next.functionName, { ...turn, events }) } };
  }

  async #play(functionName: string, turn: WireTurn): Promise<InvocationEnd | undefined> {
    const registered = appRegistry.find(functionName);
    if (registered === undefined) throw new Error(`no function '${functionName}' is registered`);
    // Between processes nothing is the same object.
    const arrived = JSON.parse(JSON.stringify(turn)) as WireTurn;
    const parts = {
      invocationId: `w${++this.#invocations}`,
      data: { [registered.trigger.name]: null },
      triggerMetadata: {},
      log: this.#log,
    };
    const ended = await this.#turns.run(registered, arrived, parts);
    if (ended === 'historyMissing') return undefined;
    if (ended.kind === 'threw') return ended;
    const value = ended.returned.kind === 'value' ? ended.returned.value : null;
    if (value !== null && 'json' in value && /"actionsFrom":[1-9]/.test(value.json)) this.continuedTurns += 1;
    return { kind: 'returned', value };
  }
}
