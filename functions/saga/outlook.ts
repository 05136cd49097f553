import type { Progress } from './run';
import type { Itinerary, Phase } from './itinerary';
import type { SagaState } from './state';

/** A phase that carries nothing, before this run has done one. */
const shortPhaseMsGuess = 1_000;
/** Bytes a millisecond that a host reads to compare what it has; a guess on the low side of what one disk gives. */
const readBytesPerMsGuess = 300_000;

/**
 * When the run will have ended, in milliseconds of the clock of `nowMs`, if it goes on as it does: what its phase has still to do at the
 * rate of that phase, what later ones carry at the rate of what was carried, and for every other phase the median of those done. Null while
 * no rate is known, and for kinds that carry nothing: they take seconds.
 */
export function expectedEndMs<Input>(
  {
    state,
    itinerary,
    input,
  }: { readonly state: SagaState; readonly itinerary: Itinerary<Input>; readonly input: Input },
  progress: Progress | null,
  nowMs: number,
): number | null {
  const [present, ...later] = itinerary.phases.slice(Math.max(0, state.position));
  if (present === undefined || !itinerary.phases.some(({ load }) => load !== undefined)) return null;
  const shortMs = medianShortMs(state, itinerary);
  const known = { state, input, shortMs };
  const here = progress !== null && progress.bytesTotal > 0 ? progress.leftMs : presentMs(known, present, nowMs);
  return later.reduce<number | null>(
    (sum, phase) => plus(sum, phaseMs(known, phase)),
    here === null ? null : nowMs + here,
  );
}

const plus = (sum: number | null, ms: number | null): number | null => (sum === null || ms === null ? null : sum + ms);

type Known<Input> = { readonly state: SagaState; readonly input: Input; readonly shortMs: number };

/** The phase that the run is at, of which nothing was heard yet. */
function presentMs<Input>(known: Known<Input>, phase: Phase<Input>, nowMs: number): number | null {
  const sinceMs = known.state.phaseSince === null ? 0 : nowMs - Date.parse(known.state.phaseSince);
  return phase.load === undefined ? Math.max(0, known.shortMs - sinceMs) : phaseMs(known, phase);
}

function phaseMs<Input>({ state, input, shortMs }: Known<Input>, phase: Phase<Input>): number | null {
  const load = phase.load?.(state.outputs, input);
  if (load === undefined) return shortMs;
  if (load === null) return null;
  if ('readBytes' in load) return shortMs + load.readBytes / readBytesPerMsGuess;
  return state.bytesPerSecond === null ? null : shortMs + (1000 * load.carriedBytes) / state.bytesPerSecond;
}

/** The median, since a phase may have waited for a person, or for a host that was away. */
function medianShortMs<Input>({ log }: SagaState, itinerary: Itinerary<Input>): number {
  const short = new Set(itinerary.phases.filter(({ load }) => load === undefined).map(({ name }) => name));
  const took = log
    .filter(({ name, outcome }) => outcome === 'done' && short.has(name))
    .map(({ startedAt, endedAt }) => Date.parse(endedAt) - Date.parse(startedAt))
    .sort((one, other) => one - other);
  return took[Math.floor(took.length / 2)] ?? shortPhaseMsGuess;
}
