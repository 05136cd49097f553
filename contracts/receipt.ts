import { z } from 'zod';
import { failure } from './failure';
import { leftover } from './facts';
import { migrationRequest, runStates } from './migration';
import { diskId, migrationId, runId } from './ids';

const bytes = z.int().nonnegative();

/** One phase in the account of a run: all attempts at its do, or at its undo, together. */
export const phaseRecord = z.object({
  name: z.string(),
  action: z.enum(['do', 'undo']),
  outcome: z.enum(['done', 'failed', 'skipped', 'accepted']),
  attempts: z.int().positive(),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
});
export type PhaseRecord = z.infer<typeof phaseRecord>;

/** The proof that a finished run leaves; the body of `GET /api/migrations/{id}/receipt`. */
export const receipt = z.object({
  schema: z.literal(1),
  id: migrationId,
  runId,
  state: z.enum(runStates),
  request: migrationRequest,
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
  /** Phases in the order in which they ran, undos included. */
  phases: z.array(phaseRecord),
  /** From the save at the source to the start at the destination. Null when the VM was never stopped. */
  outageMs: z.int().nonnegative().nullable(),
  files: z.array(
    z.object({
      name: z.string(),
      digest: z.string(),
      dataBytes: bytes,
      sentBytes: bytes,
      resentBytes: bytes,
      zeroBytes: bytes,
    }),
  ),
  /** BLAKE3 over what a guest reads, equal at both ends, of the scope that the policy names. */
  verified: z.array(z.object({ diskId, digest: z.string(), bytesRead: bytes })),
  configurationChanges: z.array(z.string()),
  /** What still carries the run's mark, by host; empty but for what the policy keeps. */
  leftovers: z.array(leftover.extend({ hostId: z.string() })),
  /** Hosts that could not be asked for leftovers when the run ended. */
  hostsNotAsked: z.array(z.string()),
  failure: failure.nullable(),
});
export type Receipt = z.infer<typeof receipt>;
