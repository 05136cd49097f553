import { isPlayed, type PlayedEvent } from '../engine/turn';
import type { WireTurn } from './messages';
import type { WarmOrchestration } from './warm';

/** Histories that the worker keeps between turns, so that the host sends only what is new. */
const mirroredEventsMax = 100_000;

/** A history that is here, and the orchestration that has played it and can go on, if there is one. */
export type Mirrored = {
  readonly executionId: string;
  readonly events: PlayedEvent[];
  /** JSON text. */
  readonly input: string | null;
  playedCount: number;
  warm: WarmOrchestration | undefined;
};

/** The worker's copies of histories, least recently used first. */
export class HistoryMirror {
  readonly #histories = new Map<string, Mirrored>();
  #events = 0;

  /** The history with what the turn adds, or undefined when events are missing that the host thought were here. */
  update(turn: WireTurn): Mirrored | undefined {
    const before = this.#histories.get(turn.instanceId);
    const isKnown = before?.executionId === turn.executionId && before.events.length === turn.base;
    if (turn.base > 0 && !isKnown) return undefined;
    const mirrored = turn.base > 0 && before !== undefined ? before : this.#fresh(turn);
    for (const event of turn.events) mirrored.events.push({ ...event, IsPlayed: false });
    this.#events += turn.events.length;
    markPlayed(mirrored, turn.playedCount);
    this.#histories.delete(turn.instanceId);
    this.#histories.set(turn.instanceId, mirrored);
    this.#shrink(turn.instanceId);
    return mirrored;
  }

  #fresh(turn: WireTurn): Mirrored {
    this.#drop(turn.instanceId);
    return { executionId: turn.executionId, input: turn.input, events: [], playedCount: 0, warm: undefined };
  }

  #drop(instanceId: string): void {
    this.#events -= this.#histories.get(instanceId)?.events.length ?? 0;
    this.#histories.delete(instanceId);
  }

  #shrink(inUse: string): void {
    for (const instanceId of this.#histories.keys()) {
      if (this.#events <= mirroredEventsMax || instanceId === inUse) return;
      this.#drop(instanceId);
    }
  }
}

function markPlayed(mirrored: Mirrored, playedCount: number): void {
  for (let index = mirrored.playedCount; index < playedCount; index += 1) {
    const event = mirrored.events[index];
    if (event !== undefined) event.IsPlayed = isPlayed(event, index, playedCount);
  }
  mirrored.playedCount = playedCount;
}
