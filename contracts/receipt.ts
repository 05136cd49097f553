import { z } from 'zod';
import { failure } from './failure';
import { leftover } from './facts';
import { runStates } from './migration';
import { acceptedRequest } from './requests';
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

/** What the phases of a run have to tell in its receipt; each kind says which of its phases tells what. */
export const told = z.object({
  /** From the stop at the source to the start at the destination, as the hosts saw it. Null when the VM was never stopped. */
  outageMs: z.int().nonnegative().nullable().default(null),
  /** The same as the guest itself saw it; null where it cannot say. */
  guestOutageMs: z.int().nonnegative().nullable().default(null),
  /** What the byte route carried. */
  files: z
    .array(
      z.object({
        name: z.string(),
        digest: z.string(),
        dataBytes: bytes,
        sentBytes: bytes,
        resentBytes: bytes,
        zeroBytes: bytes,
      }),
    )
    .default([]),
  /** BLAKE3 over what a guest reads, equal at both ends, of the scope that the policy names. */
  verified: z.array(z.object({ diskId, digest: z.string(), bytesRead: bytes })).default([]),
  configurationChanges: z.array(z.string()).default([]),
});
export type Told = z.infer<typeof told>;

/** The proof that a finished run leaves; the body of `GET /api/migrations/{id}/receipt`. */
export const receipt = z.object({
  schema: z.literal(1),
  id: migrationId,
  runId,
  state: z.enum(runStates),
  request: acceptedRequest,
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
  /** Phases in the order in which they ran, undos included. */
  phases: z.array(phaseRecord),
  ...told.shape,
  /** What still carries the run's mark, by host; empty but for what the policy keeps. */
  leftovers: z.array(leftover.extend({ hostId: z.string() })),
  /** Hosts that could not be asked for leftovers when the run ended. */
  hostsNotAsked: z.array(z.string()),
  failure: failure.nullable(),
});
export type Receipt = z.infer<typeof receipt>;
