import { succeeded } from '../../contracts/failure';
import { itinerary, nothing, onceUnderWay } from './itinerary';
import { expectedEndMs } from './outlook';
import type { Progress } from './run';
import { initialState, type SagaState } from './state';

const nowMs = Date.parse('2026-08-01T20:00:00Z');
const undo = nothing('a test undoes nothing');

function* done() {
  yield* [];
  return succeeded({ memoryBytes: 3_000 });
}

const short = <const Name extends string>(name: Name) => ({
  name,
  step: 'Prepare' as const,
  what: name,
  do: done,
  undo,
});
const carrying = itinerary<{ readonly all: boolean }>('carrying', 1)
  .phase(short('look'))
  .phase({ ...short('copy'), load: onceUnderWay })
  .phase({ ...short('rest'), load: ({ look }) => (look ? { carriedBytes: look.memoryBytes } : null) })
  .phase({ ...short('compare'), load: (_before, { all }) => ({ readBytes: all ? 600_000_000 : 0 }) })
  .phase({ ...short('cutover'), pivot: true })
  .build(() => ({}));
const quick = itinerary<{ readonly all: boolean }>('quick', 1)
  .phase({ ...short('cutover'), pivot: true })
  .build(() => ({}));

const progress = (bytesDone: number, bytesPerSecond: number): Progress => ({
  bytesDone,
  bytesTotal: 10_000,
  bytesPerSecond,
  leftMs: bytesDone === 10_000 ? 0 : bytesPerSecond > 0 ? (1000 * (10_000 - bytesDone)) / bytesPerSecond : null,
  disks: [],
});

/** A run that took 200 ms for its first phase and is at the phase of this number. */
const atPhase = (position: number, more: Partial<SagaState> = {}): SagaState => ({
  ...initialState(new Date(nowMs - 200).toISOString()),
  position,
  outputs: { look: { memoryBytes: 3_000 } },
  phaseSince: new Date(nowMs).toISOString(),
  log: [
    {
      name: 'look',
      action: 'do',
      outcome: 'done',
      attempts: 1,
      startedAt: new Date(nowMs - 200).toISOString(),
      endedAt: new Date(nowMs).toISOString(),
    },
  ],
  ...more,
});

const endOf = (state: SagaState, shown: Progress | null, all = false) => {
  const end = expectedEndMs({ state, itinerary: carrying, input: { all } }, shown, nowMs);
  return end === null ? null : end - nowMs;
};

test('what is left of a copy takes as long as its rate says, what later phases carry too, and each short phase as long as those before', () => {
  const state = atPhase(1, { bytesPerSecond: 1_000 });
  // 6 s of the copy, 3.2 s of the rest, 0.2 s of comparing and of the cutover.
  expect(endOf(state, progress(4_000, 1_000))).toBe(6_000 + 3_200 + 200 + 200);
  expect(endOf(state, progress(4_000, 1_000), true)).toBe(6_000 + 3_200 + 2_200 + 200);
});

test('nothing is foretold before bytes have moved, while they stand still, and of a kind that carries none', () => {
  expect(endOf(atPhase(0, { log: [], outputs: {} }), null)).toBeNull();
  expect(endOf(atPhase(1), null)).toBeNull();
  expect(endOf(atPhase(1), progress(4_000, 0))).toBeNull();
  expect(
    expectedEndMs({ state: atPhase(0), itinerary: quick, input: { all: false } }, progress(4_000, 1_000), nowMs),
  ).toBeNull();
});

test('a short phase under way has what is left of its time, and no less than none', () => {
  const since = (ms: number) => ({ bytesPerSecond: 1_000, phaseSince: new Date(nowMs - ms).toISOString() });
  expect(endOf(atPhase(4, since(50)), null)).toBe(150);
  expect(endOf(atPhase(4, since(5_000)), null)).toBe(0);
});

test('a copy that is done leaves what comes after it', () => {
  expect(endOf(atPhase(2, { bytesPerSecond: 1_000 }), progress(10_000, 0))).toBe(200 + 200);
});
