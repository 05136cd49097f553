import { z } from 'zod';
import { failure } from './failure';
import { hostId, migrationId, runId, vmId } from './ids';
import { concernsShown } from './preflight';
import { acceptedRequest, kinds, type Kind, type RequestOf } from './requests';

export * from './requests';

/** What a run is started with: parsed once, immutable, complete. */
export const runInput = z.object({
  contract: z.literal(1),
  /** Of the kind's itinerary. A run ends on the version that it began with. */
  itineraryVersion: z.int().positive(),
  runId,
  request: acceptedRequest,
  /** How long the orchestrator waits between looks, and after how much silence of an agent it says so. From the app's settings. */
  pace: z.object({ lookMsMin: z.int().positive(), lookMsMax: z.int().positive(), silenceMsMax: z.int().positive() }),
});
export type RunInput = z.infer<typeof runInput>;
export type RunInputOf<K extends Kind> = Omit<RunInput, 'request'> & { readonly request: RequestOf<K> };

export const runStates = ['queued', 'running', 'parked', 'completed', 'rolled-back', 'rejected'] as const;
export type RunState = (typeof runStates)[number];
export const runEnded = (state: RunState): boolean =>
  state === 'completed' || state === 'rolled-back' || state === 'rejected';

/** Groups of phases, for people. */
export const steps = ['Prepare', 'Transfer', 'Cutover', 'Finish'] as const;
export type Step = (typeof steps)[number];

export const answers = ['retry', 'skip', 'accept'] as const;
export type Answer = (typeof answers)[number];

const bytes = z.int().nonnegative();

export const question = z.object({
  /** Answers must name it, so that an answer to an older question changes nothing. */
  questionId: z.string(),
  text: z.string(),
  answers: z.array(z.enum(answers)),
  failure,
});
export type Question = z.infer<typeof question>;

export const diskProgress = z.object({
  /** `scsi-0-0` for a disk, `memory` or `configuration` for a file. */
  name: z.string(),
  bytesDone: bytes,
  bytesTotal: bytes,
});

/** What an orchestration shows as its custom status, at most `customStatusCharactersMax` characters of JSON. */
export const runReport = z.object({
  schema: z.literal(1),
  state: z.enum(runStates),
  phase: z.string().nullable(),
  step: z.enum(steps).nullable(),
  unwinding: z.boolean(),
  progress: z
    .object({
      bytesDone: bytes,
      bytesTotal: bytes,
      bytesPerSecond: z.number().nonnegative(),
      /** How long the phase takes still at its present rates; null while nothing tells. */
      leftMs: z.number().nonnegative().nullable().default(null),
      disks: z.array(diskProgress),
    })
    .nullable(),
  /**
   * When the run will have ended if it goes on as it does (ISO 8601). Null while nothing tells: before bytes have moved, for kinds that
   * move none, while a person is waited for, and of a run that unwinds.
   */
  expectedEndAt: z.string().nullable().default(null),
  waitingFor: z.string().nullable(),
  question: question.nullable(),
  failure: failure.nullable(),
  cancelRequested: z.boolean(),
  /** Whether a cancel is still honoured: until the pivot is attempted. */
  cancelable: z.boolean(),
  /** Whether the copy can be paused now, and whether it is. */
  pausable: z.boolean().default(false),
  paused: z.boolean().default(false),
  ...concernsShown.shape,
});
export type RunReport = z.infer<typeof runReport>;

/** The body of `GET /api/migrations/{id}`. */
export const migrationStatus = runReport.extend({
  id: migrationId,
  runId,
  kind: z.enum(kinds),
  vmId,
  sourceHost: hostId,
  destinationHost: hostId,
  createdAt: z.string(),
  updatedAt: z.string(),
  links: z.object({ self: z.string(), cancel: z.string(), answer: z.string(), receipt: z.string() }),
});
export type MigrationStatus = z.infer<typeof migrationStatus>;

export const cancelRequest = z.strictObject({ reason: z.string().max(500).default('') });
export const answerRequest = z.strictObject({ questionId: z.string().min(1).max(100), answer: z.enum(answers) });

/** The one external event of a run. A single name, since two waits on one name are served last-in first-out by the SDK. */
export const runCommand = z.discriminatedUnion('command', [
  z.object({ command: z.literal('cancel'), reason: z.string() }),
  /** Stops the copying while the VM runs, and lets it go on. */
  z.object({ command: z.literal('pause') }),
  z.object({ command: z.literal('resume') }),
  z.object({ command: z.literal('answer'), questionId: z.string(), answer: z.enum(answers) }),
]);
export type RunCommand = z.infer<typeof runCommand>;
export const runCommandEvent = 'command';
