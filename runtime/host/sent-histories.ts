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
    this.#sent.delete(turn.instanceId);
    this.#sent.set(turn.instanceId, { count: turn.history.length, last: turn.history.at(-1) });
    for (const oldest of this.#sent.keys()) {
      if (this.#sent.size <= rememberedMax) break;
      this.#sent.delete(oldest);
    }
    const { history, ...rest } = turn;
    // Only a worker that has the events can go on from them; then it has the input, too.
    const knownActions = base === 0 ? null : turn.knownActions;
    const input = knownActions === null ? turn.input : null;
    return { ...rest, input, knownActions, base, events: history.slice(base) };
  }

  /** How much of this history went to the worker. An event is known by identity: a turn that was not committed is not. */
  #known(turn: OrchestratorTurn): number {
    const sent = this.#sent.get(turn.instanceId);
    if (sent === undefined || sent.count === 0) return 0;
    return turn.history[sent.count - 1] === sent.last ? sent.count : 0;
  }
}
