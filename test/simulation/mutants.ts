import * as batches from '../../activities/storage/batches';
import * as contentStore from '../../agent/disks/route/content-store';
import { StartMarks } from '../../agent/operations/start-marks';
import { OperationStore } from '../../agent/operations/store';
import { failed, succeeded, type Failure, type Outcome } from '../../contracts/failure';
import type { BatchDocument } from '../../contracts/batch';
import type { Kind, RunInput } from '../../contracts/migration';
import * as hypervisorMoves from '../../functions/orchestrators/hypervisor-moves';
import { itineraries } from '../../functions/orchestrators/kinds';
import * as operationUnderWay from '../../functions/orchestrators/operation-under-way';
import * as activity from '../../functions/saga/activity';
import { CommandInbox } from '../../functions/saga/inbox';
import type { Phase, Undo } from '../../functions/saga/itinerary';
import * as progress from '../../functions/saga/progress';
import { Run } from '../../functions/saga/run';
import * as state from '../../functions/saga/state';

/** A deliberate fault in the product's own code, put in place in a worker's process. */
export type Mutant = {
  readonly name: string;
  readonly what: string;
  /**
   * A seed that catches it. A change of what seeds mean moves it: `npm run simulate -- --mutant NAME --from 1` finds another.
   * Null: no seed is known that does, so nothing is claimed of it.
   */
  readonly caughtBy: number | null;
  /** The kinds of migration that it is looked for with; all where none is named. */
  readonly kinds?: readonly Kind[];
  /** Changes the loaded modules of the product. */
  readonly apply: () => void;
};

/** Puts something else in the place of what a module exports, or of a method. */
const replace = (owner: object, name: string, other: unknown): void => {
  if (!Reflect.has(owner, name)) throw new Error(`there is no ${name} to be replaced`);
  Reflect.defineProperty(owner, name, { value: other, writable: true, configurable: true });
};

type Method = (this: unknown, ...given: never[]) => unknown;

/** Puts something around a function or method. `call` is the original, on the object that it was called on. */
const wrap = (owner: object, name: string, around: (call: () => unknown, given: readonly never[]) => unknown): void => {
  const original: unknown = Reflect.get(owner, name);
  if (typeof original !== 'function') throw new Error(`there is no ${name} to be wrapped`);
  const wrapped: Method = function wrapped(...given) {
    return around(() => Reflect.apply(original, this, given) as unknown, given);
  };
  replace(owner, name, wrapped);
};

const eachPhase = (change: (phase: (typeof itineraries)[number]['phases'][number]) => void): void => {
  for (const { phases } of itineraries) for (const phase of phases) change(phase);
};

type MoveRun = Parameters<typeof hypervisorMoves.settleBetweenHosts>[0];
type UndoRun = Extract<Undo<RunInput>, { kind: 'undo' }>['run'];

/** An undo that says that it is done, whatever became of it. */
const deaf = (undo: UndoRun): UndoRun =>
  function* told(run) {
    const end = yield* undo(run);
    return !end.ok && 'renew' in end ? end : succeeded({});
  };

/** A phase, or its undo, that asks nobody for anything. */
function* nothingDone(): Generator<never, Outcome<object>> {
  yield* [];
  return succeeded({});
}

/** Content whose flush makes nothing durable. */
const unflushed = async (make: () => unknown): Promise<unknown> => {
  const made = (await make()) as Outcome<object>;
  if (made.ok) Reflect.set(made.value, 'flush', async () => undefined);
  return made;
};

const byByteRoute: readonly Kind[] = ['quick-storage', 'warm', 'lan'];
const byHandover: readonly Kind[] = ['live', 'shared-nothing'];

export const mutants: readonly Mutant[] = [
  {
    name: 'epochs-forgotten',
    what: 'the agent forgets epochs',
    caughtBy: 246,
    kinds: byByteRoute,
    apply: () => replace(OperationStore.prototype, 'epochOf', () => 0),
  },
  {
    name: 'operation-repeated',
    what: 'a repeated operation is carried out again',
    caughtBy: 42,
    kinds: byByteRoute,
    // Whoever admits a request, or accepts it, does not find what has ended; whoever looks at it does.
    apply: () =>
      wrap(OperationStore.prototype, 'get', (call) => {
        const record = call() as ReturnType<OperationStore['get']>;
        const forgets = /admit|accept/.test(new Error().stack ?? '') && record?.ended !== null;
        return forgets ? undefined : record;
      }),
  },
  {
    name: 'start-not-marked',
    what: 'the mark of a start is not durable before the start',
    caughtBy: 1,
    kinds: byByteRoute,
    apply: () => replace(StartMarks.prototype, 'make', async () => 'made'),
  },
  {
    name: 'undo-skipped',
    what: 'an undo is skipped',
    caughtBy: 16,
    kinds: byByteRoute,
    apply: () =>
      eachPhase((phase) => {
        if (phase.name === 'vm-checkpoint') Reflect.set(phase, 'undo', { kind: 'nothing', because: 'mutant' });
      }),
  },
  {
    name: 'failed-undo-done',
    what: 'a failed undo counts as done',
    caughtBy: 123,
    kinds: byByteRoute,
    apply: () =>
      eachPhase((phase) => {
        if (phase.undo.kind === 'undo') Reflect.set(phase.undo, 'run', deaf(phase.undo.run));
      }),
  },
  {
    name: 'failing-phase-not-undone',
    what: 'the failing phase is not undone',
    caughtBy: 1,
    kinds: byByteRoute,
    apply: () => {
      const { initialState } = state;
      replace(state, 'initialState', (startedAt: string) =>
        Object.defineProperty(initialState(startedAt), 'touched', {
          get: () => false,
          set: () => undefined,
          enumerable: true,
        }),
      );
    },
  },
  {
    name: 'watermark-before-flush',
    what: 'the watermark moves before the flush',
    caughtBy: 12,
    kinds: byByteRoute,
    apply: () => {
      wrap(contentStore, 'createTarget', unflushed);
      wrap(contentStore, 'reopenTarget', unflushed);
    },
  },
  {
    name: 'pivot-unwinds',
    what: 'the pivot unwinds like any phase',
    caughtBy: 21,
    kinds: byByteRoute,
    apply: () => {
      for (const itinerary of itineraries) Reflect.set(itinerary, 'pivotIndex', itinerary.phases.length);
    },
  },
  {
    name: 'silence-ends',
    what: 'an agent that answers nothing for long counts as one that did nothing',
    caughtBy: 212,
    kinds: byByteRoute,
    apply: () =>
      wrap(operationUnderWay, 'silent', (call) => ({ ...(call() as Failure), retry: 'permanent', effect: 'none' })),
  },
  {
    name: 'cancel-after-pivot',
    what: 'a cancel is honoured after the pivot',
    caughtBy: 12,
    kinds: byByteRoute,
    apply: () => replace(progress, 'cancelHonoured', (run: state.SagaState) => run.direction === 'forward'),
  },
  {
    name: 'cancel-not-heard',
    what: 'a cancel is not heard',
    caughtBy: 46,
    kinds: byByteRoute,
    apply: () =>
      wrap(CommandInbox.prototype, 'take', (call) => {
        const command = call() as ReturnType<CommandInbox['take']>;
        return command?.command === 'cancel' ? undefined : command;
      }),
  },
  {
    name: 'retired-before-start',
    what: 'the source is retired before the destination starts',
    caughtBy: 1,
    kinds: byByteRoute,
    apply: () => {
      for (const { phases } of itineraries) {
        const all = phases as unknown as Phase<never>[];
        const retire = all.findIndex((phase) => phase.name === 'retire');
        const pivot = all.findIndex((phase) => phase.pivot);
        if (retire !== -1) all.splice(pivot, 0, ...all.splice(retire, 1));
      }
    },
  },
  {
    name: 'batch-all-at-once',
    what: 'a batch starts everything at once',
    caughtBy: 1,
    apply: () =>
      wrap(batches, 'readBatchDocument', async (call) => {
        const batch = (await call()) as Outcome<BatchDocument | undefined>;
        return batch.ok && batch.value !== undefined ? succeeded({ ...batch.value, maxConcurrent: 50 }) : batch;
      }),
  },
  {
    name: 'progress-goes-back',
    what: 'progress is shown as an attempt tells it',
    caughtBy: 1,
    kinds: byByteRoute,
    apply: () => replace(Run.prototype, 'reach', (_name: string, bytesDone: number) => bytesDone),
  },
  {
    name: 'promises-kept',
    what: 'what both hosts promised to a run that is over is not taken back',
    caughtBy: 1,
    kinds: byByteRoute,
    apply: () =>
      eachPhase((phase) => {
        if (phase.name === 'release') Reflect.set(phase, 'do', nothingDone);
      }),
  },
  {
    name: 'placeholder-stays',
    what: 'the placeholder of a run that is unwound is not removed',
    caughtBy: 1,
    kinds: byByteRoute,
    apply: () =>
      eachPhase((phase) => {
        if (phase.name === 'place') Reflect.set(phase.undo, 'run', nothingDone);
      }),
  },
  {
    name: 'lost-move-unwinds',
    what: 'a move by the hypervisor whose end nobody told counts as not done',
    caughtBy: 1,
    kinds: byHandover,
    apply: () => {
      const { settleBetweenHosts } = hypervisorMoves;
      replace(hypervisorMoves, 'settleBetweenHosts', function* settled(run: MoveRun, failure: Failure) {
        yield* settleBetweenHosts(run, failure);
        return failed({ ...failure, retry: 'permanent', effect: 'none' });
      });
    },
  },
  {
    name: 'deaf-while-calling',
    what: 'a run hears nobody while one of its activities is under way',
    caughtBy: 210,
    kinds: byByteRoute,
    apply: () =>
      replace(activity, 'callForRun', (run: Run<unknown>, definition: never, input: never) =>
        activity.callActivity(run.context, definition, input),
      ),
  },
];

export function applyMutant(name: string): void {
  const mutant = mutants.find((one) => one.name === name);
  if (mutant === undefined) throw new Error(`there is no mutant ${name}`);
  mutant.apply();
}
