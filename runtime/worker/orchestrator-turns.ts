import { orchestratorAnswer } from '../engine/answer';
import { wholeEventsMin } from '../engine/followed-replays';
import { EventType } from '../engine/history';
import { turnPayload, type PlayedEvent } from '../engine/turn';
import { runFunction, type InvocationInput, type RunContexts, type RunEnd } from '../core/invoke';
import { appRegistry, type RegisteredFunction } from '../core/registry';
import type { WireTurn } from './messages';
import { HistoryMirror, type Mirrored } from './mirror';
import { WarmOrchestration } from './warm';

/** What of an invocation is the same however its turn is played. */
export type TurnParts = Omit<InvocationInput, 'triggerInput' | 'onContexts'>;

/** The payload of a turn that durable-functions plays from its start. */
export const wholePayload = (turn: WireTurn, history: PlayedEvent[]): object => turnPayload(turn, history);

/**
 * Plays the turns of orchestrators: from the start of the history, as durable-functions does it, or, where the host has followed
 * a long history and the orchestration still stands at its last yield, only what is new.
 */
export class OrchestratorTurns {
  readonly #mirror = new HistoryMirror();

  async run(registered: RegisteredFunction, turn: WireTurn, parts: TurnParts): Promise<RunEnd | 'historyMissing'> {
    const mirrored = this.#mirror.update(turn);
    if (mirrored === undefined) return 'historyMissing';
    const { warm, events } = mirrored;
    mirrored.warm = undefined;
    if (turn.knownActions === null) return this.#playAll(registered, turn, mirrored, parts);
    const goneOn = warm?.goOn(events, turn.knownActions, parts.invocationId);
    switch (goneOn?.kind) {
      case 'waits':
        mirrored.warm = warm;
        return answered(goneOn.json);
      case 'ended':
        return checkedEnd(registered, { ...turn, input: mirrored.input }, events, parts, goneOn.json);
      case undefined:
        return 'historyMissing';
    }
  }

  async #playAll(
    registered: RegisteredFunction,
    turn: WireTurn,
    mirrored: Mirrored,
    parts: TurnParts,
  ): Promise<RunEnd> {
    const { events } = mirrored;
    const { end, warm } = await playWhole(registered, wholePayload(turn, events), parts);
    if (events.length >= wholeEventsMin && warm?.rest(events.length) === true) mirrored.warm = warm;
    return end;
  }
}

async function playWhole(
  registered: RegisteredFunction,
  triggerInput: object,
  parts: TurnParts,
): Promise<{ readonly end: RunEnd; readonly warm: WarmOrchestration | undefined }> {
  const found: WarmOrchestration[] = [];
  // Hooks may look at each turn's context, and give the code another one.
  const hasHooks = appRegistry.hooks('preInvocation').length + appRegistry.hooks('postInvocation').length > 0;
  const onContexts = (contexts: RunContexts): void => {
    if (!hasHooks) WarmOrchestration.watch(contexts, (warm) => void found.push(warm));
  };
  const end = await runFunction(registered, { ...parts, triggerInput, onContexts });
  return { end, warm: end.kind === 'returned' ? found[0] : undefined };
}

/**
 * The end of an orchestration that was not replayed for a while is checked by a replay of everything. What the replay asks for
 * counts if it is something else; the host then finds what contradicts the history. Otherwise the answer is that of the first run,
 * since an output may depend on `isReplaying`.
 */
async function checkedEnd(
  registered: RegisteredFunction,
  turn: WireTurn,
  events: readonly PlayedEvent[],
  parts: TurnParts,
  json: string,
): Promise<RunEnd> {
  const started = events.findLast((event) => event.EventType === EventType.OrchestratorStarted);
  // Everything before the last OrchestratorStarted is a replay for durable-functions.
  const history = started === undefined ? [...events] : [...events, { ...started }];
  const { end } = await playWhole(registered, { ...wholePayload(turn, history), isReplaying: true }, parts);
  if (end.kind !== 'returned' || end.returned.kind !== 'value') return end;
  const { value } = end.returned;
  const replayed = value !== null && 'json' in value ? actionsIn(value.json) : undefined;
  return replayed === actionsIn(json) ? answered(json) : end;
}

const answered = (json: string): RunEnd => ({ kind: 'returned', returned: { kind: 'value', value: { json } } });

/** What an answer asks for, as text to compare. */
function actionsIn(json: string): string | undefined {
  const answer = orchestratorAnswer.safeParse(JSON.parse(json));
  return answer.success ? JSON.stringify([answer.data.isDone, answer.data.actions]) : undefined;
}
