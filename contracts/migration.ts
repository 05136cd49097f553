import { z } from 'zod';
import { failure } from './failure';
import { hostId, migrationId, runId, vmId } from './ids';

/** How a VM moves. Each kind is an itinerary in functions/orchestrators/kinds. */
export const kinds = ['quick-storage'] as const;
export type Kind = (typeof kinds)[number];

export const retirePolicies = ['keep', 'unregister', 'delete'] as const;

export const migrationPolicy = z.strictObject({
  /** Limit of the byte route for this run; null is no limit. */
  bandwidthBytesPerSecondMax: z
    .int()
    .min(64 * 1024)
    .nullable()
    .default(null),
  /** What becomes of the source once the destination runs: fenced and kept, unregistered with its files kept, or deleted. */
  retire: z.enum(retirePolicies).default('keep'),
  /** After the copy every block was verified; `changed` verifies what the last differencing disk touches once more, `all` reads both whole disks. */
  verify: z.enum(['changed', 'all']).default('changed'),
  heartbeatWaitMsMax: z.int().min(1000).max(3_600_000).default(300_000),
});
export type MigrationPolicy = z.infer<typeof migrationPolicy>;

/** The body of `POST /api/migrations`. */
export const migrationRequest = z.strictObject({
  id: migrationId.optional(),
  kind: z.enum(kinds),
  vmId,
  sourceHost: hostId,
  destinationHost: hostId,
  /** Folder on the destination host; the VM gets a folder of its own below it. */
  destinationFolder: z.string().min(1).max(240),
  /** Virtual switch at the destination; null keeps the name it has now. */
  destinationSwitch: z.string().max(200).nullable().default(null),
  policy: migrationPolicy.prefault({}),
});
export type MigrationRequest = z.infer<typeof migrationRequest>;

/** What a run is started with: parsed once, immutable, complete. */
export const runInput = z.object({
  contract: z.literal(1),
  itineraryVersion: z.int().positive(),
  runId,
  request: migrationRequest.required({ id: true }),
  /** How long the orchestrator waits between looks, and after how much silence of an agent it says so. From the app's settings. */
  pace: z.object({ lookMsMin: z.int().positive(), lookMsMax: z.int().positive(), silenceMsMax: z.int().positive() }),
});
export type RunInput = z.infer<typeof runInput>;

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
      secondsLeft: z.number().nonnegative().nullable(),
      disks: z.array(diskProgress),
    })
    .nullable(),
  waitingFor: z.string().nullable(),
  question: question.nullable(),
  failure: failure.nullable(),
  cancelRequested: z.boolean(),
  /** Whether a cancel is still honoured: until the pivot is attempted. */
  cancelable: z.boolean(),
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
  z.object({ command: z.literal('answer'), questionId: z.string(), answer: z.enum(answers) }),
]);
export type RunCommand = z.infer<typeof runCommand>;
export const runCommandEvent = 'command';
