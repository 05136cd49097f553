import { z } from 'zod';
import { failure } from '../../contracts/failure';
import { question, runReport } from '../../contracts/migration';
import { concern } from '../../contracts/preflight';
import { phaseRecord } from '../../contracts/receipt';

/** One attempt at a phase's do or undo. Kept across generations, so that the phase goes on under the same epoch. */
const attempt = z.object({
  phase: z.string(),
  action: z.enum(['do', 'undo']),
  epoch: z.int().positive(),
  /** Outcomes of the operations that this attempt has seen end, by operation id. */
  settled: z.record(z.string(), z.unknown()),
  /** Operations that a pause stopped: each goes on under an id of its own. */
  stopped: z.array(z.string()).default([]),
  /** Operations and questions of the parts of the phase that are over, so that ids are never used twice. */
  operationsBefore: z.int().nonnegative().default(0),
});

/** All that a run must remember from one generation to the next. Small: no bytes, no lists of blocks. */
export const sagaState = z.object({
  schema: z.literal(1),
  startedAt: z.string(),
  direction: z.enum(['forward', 'unwind']),
  /** Forward: the phase to do. Unwinding: the phase to undo; -1 when all are undone. */
  position: z.int().min(-1),
  outputs: z.record(z.string(), z.unknown()),
  /** What the undos answered, by phase, for the receipt of a run that was unwound. */
  undone: z.record(z.string(), z.unknown()).default({}),
  /** Grows with each attempt at a phase, so that an agent can tell a newer attempt from an older. */
  epoch: z.int().nonnegative(),
  attempt: attempt.nullable(),
  /** When the first of the attempts at this phase began, and how many there were: retries end when patience does. */
  phaseSince: z.string().nullable(),
  attempts: z.int().nonnegative(),
  /** Whether any attempt at this phase had, or may have had, an effect: then it is undone too. */
  touched: z.boolean(),
  /** What the phase noted of its progress: kept over its generations and attempts. */
  notes: z.unknown().optional(),
  paused: z.boolean().default(false),
  /** How many bytes of each file of this phase were shown as done: what is shown never goes back, though an attempt begins anew. */
  reached: z.record(z.string(), z.int().nonnegative()).default({}),
  /** How far this phase was shown to be. */
  progress: runReport.shape.progress.default(null),
  /** At which rate bytes were carried last; null before that. */
  bytesPerSecond: z.number().positive().nullable().default(null),
  cancel: z.object({ reason: z.string() }).nullable(),
  /** Why the run unwinds, or what it parked on. */
  failure: failure.nullable(),
  question: question.nullable(),
  /** What preflight found. */
  concerns: z.array(concern).default([]),
  log: z.array(phaseRecord),
});
export type SagaState = z.infer<typeof sagaState>;
export type Attempt = z.infer<typeof attempt>;

export const initialState = (startedAt: string): SagaState => ({
  schema: 1,
  startedAt,
  direction: 'forward',
  position: 0,
  outputs: {},
  undone: {},
  epoch: 0,
  attempt: null,
  phaseSince: null,
  attempts: 0,
  touched: false,
  paused: false,
  reached: {},
  progress: null,
  bytesPerSecond: null,
  cancel: null,
  failure: null,
  question: null,
  concerns: [],
  log: [],
});
