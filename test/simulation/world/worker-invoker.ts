import { threw, type LogLine, type RunEnd } from '../../../runtime/core/invoke';
import { LocalInvoker } from '../../../runtime/core/local-invoker';
import { appRegistry } from '../../../runtime/core/registry';
import type { FunctionKind, Invocation, InvocationEnd, Invoker } from '../../../runtime/engine/invoker';
import { SentHistories } from '../../../runtime/host/sent-histories';
import { OrchestratorTurns } from '../../../runtime/worker/orchestrator-turns';

/**
 * Runs the app's functions as one life of the runtime's worker process does, in this process: the turns of long histories go on from the
 * last yield, and what the host sends of a history is what is new in it. One is made for each life of the cloud.
 */
export class WorkerInvoker implements Invoker {
  readonly #functions: LocalInvoker;
  readonly #turns = new OrchestratorTurns();
  readonly #sent = new SentHistories();
  #invocations = 0;

  constructor(private readonly log: (line: LogLine) => void) {
    this.#functions = new LocalInvoker({}, log);
  }

  kindOf(functionName: string): FunctionKind | undefined {
    return this.#functions.kindOf(functionName);
  }

  namesOf(kind: FunctionKind): readonly string[] {
    return this.#functions.namesOf(kind);
  }

  async invoke(invocation: Invocation): Promise<InvocationEnd> {
    if (invocation.kind !== 'orchestrator') return this.#functions.invoke(invocation);
    const ended = await this.#play(invocation, 'new');
    const played = ended === 'historyMissing' ? await this.#play(invocation, 'whole') : ended;
    if (played === 'historyMissing') throw new Error(`a whole history of ${invocation.functionName} is not enough`);
    if (played.kind === 'threw') return played;
    return { kind: 'returned', value: played.returned.kind === 'value' ? played.returned.value : null };
  }

  async #play(
    { functionName, turn }: Extract<Invocation, { kind: 'orchestrator' }>,
    extent: 'new' | 'whole',
  ): Promise<RunEnd | 'historyMissing'> {
    const registered = appRegistry.find(functionName);
    if (registered === undefined) return threw(new Error(`no function '${functionName}' is registered`));
    return this.#turns.run(registered, this.#sent.wireTurn(turn, extent), {
      invocationId: `turn-${++this.#invocations}`,
      data: { [registered.trigger.name]: null },
      triggerMetadata: {},
      log: this.log,
    });
  }
}
