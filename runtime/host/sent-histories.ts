import type { HistoryEvent } from '../engine/history';
import type { OrchestratorTurn } from '../engine/invoker';
import type { WireTurn } from '../worker/messages';

/** Instances whose histories the worker is thought to have. */
const rememberedMax = 20_000;

/** What of which history a worker has, so that a turn carries only what is new to it. */
export class SentHistories {
  readonly #sent = new Map<string, { readonly count: number; readonly last: HistoryEvent | undefined }>();

  /** The turn as it goes to the worker; `whole` when the worker has asked for all of it. */
  wireTurn(turn: OrchestratorTurn, extent: 'new' | 'whole'): WireTurn {
    const base = extent === 'new' ? this.#known(turn) : 0;
    this.note(turn);
    return wireTurnFrom(turn, base);
  }

  /** A turn that goes with the activity before it; undefined when the worker has nothing that it could go on from. */
  turnAhead(turn: OrchestratorTurn): WireTurn | undefined {
    const base = this.#known(turn);
    // Whether the worker will have its events is known only when it is played.
    return base === 0 ? undefined : wireTurnFrom(turn, base);
  }

  /** The worker has this turn's history. */
  note(turn: OrchestratorTurn): void {
    this.#sent.delete(turn.instanceId);
    this.#sent.set(turn.instanceId, { count: turn.history.length, last: turn.history.at(-1) });
    for (const oldest of this.#sent.keys()) {
      if (this.#sent.size <= rememberedMax) break;
      this.#sent.delete(oldest);
    }
  }

  /** How much of this history went to the worker. An event is known by identity: a turn that was not committed is not. */
  #known(turn: OrchestratorTurn): number {
    const sent = this.#sent.get(turn.instanceId);
    if (sent === undefined || sent.count === 0) return 0;
    return turn.history[sent.count - 1] === sent.last ? sent.count : 0;
  }
}

function wireTurnFrom(turn: OrchestratorTurn, base: number): WireTurn {
  const { history, ...rest } = turn;
  // Only a worker that has the events can go on from them; then it has the input, too.
  const knownActions = base === 0 ? null : turn.knownActions;
  const input = knownActions === null ? turn.input : null;
  return { ...rest, input, knownActions, base, events: history.slice(base) };
}
