import { z } from 'zod';
import { failure } from './failure';
import { leftover } from './facts';
import { concern } from './preflight';
import { runStates } from './migration';
import { madeRole, removedRole } from './operations/roles';
import { ofLine, readDisk } from './operations/shapes';
import { acceptedRequest } from './requests';
import { migrationId, runId } from './ids';

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

/** How long a VM did not serve, from its stop at the source to its start, as the hosts saw it. */
export const outage = z.discriminatedUnion('type', [
  /** The VM was never stopped. */
  z.object({ type: z.literal('none') }),
  z.object({ type: z.literal('measured'), ms: z.int().nonnegative() }),
  /** It stood still, or may have, and nobody knows for how long. */
  z.object({ type: z.literal('not-measured'), because: z.string() }),
]);
export type Outage = z.infer<typeof outage>;

/** What the phases of a run have to tell in its receipt; each kind says which of its phases tells what. */
export const told = z.object({
  outage: outage.default({ type: 'none' }),
  /** The same as the guest itself saw it; null where it cannot say. */
  guestOutageMs: z.int().nonnegative().nullable().default(null),
  /** The outage that was predicted when the cutover began; null where nothing predicts it. */
  predictedOutageMs: z.int().nonnegative().nullable().default(null),
  /** Passes of pre-copy, the first one and each round of changes. */
  rounds: z
    .array(
      z.object({
        round: z.int().nonnegative(),
        changedBytes: bytes,
        sentBytes: bytes,
        tookMs: bytes,
        /** Whether a whole disk was copied, since nobody knew what had changed. */
        whole: z.boolean(),
        /** Of a pass that took from seeds, where it tells: the last outage is predicted from it. */
        ofLine: ofLine.optional(),
      }),
    )
    .default([]),
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
        /** Taken from a seed at the destination in place of the line. */
        seedBytes: bytes.optional(),
        ofLine: ofLine.optional(),
        /** What of `sentBytes` packing kept off the line. */
        savedBytes: bytes.optional(),
        /** Why a seed was of no use, or not to the end. */
        seedProblem: z.string().optional(),
      }),
    )
    .default([]),
  /**
   * What went over without the byte route: by the hypervisor, or as copies on one host. Null where nothing did, or where what measured it
   * was lost with a reply.
   */
  carried: z
    .object({
      by: z.enum(['hypervisor', 'host']),
      memoryBytes: bytes,
      copiedBytes: bytes,
      /** What the guest wrote to both sides meanwhile. */
      mirroredBytes: bytes,
    })
    .nullable()
    .default(null),
  /** Of the scope that the policy names, equal at both ends. */
  verified: z.array(readDisk).default([]),
  configurationChanges: z.array(z.string()).default([]),
  /** What became of the role of the VM; absent where the request said nothing of it. */
  role: z
    .object({
      /** As it was in the cluster of the source; null where the VM was no role, or still is. */
      removed: removedRole.nullable(),
      /** Of a run that was taken back: it is a role again, as it was. */
      restored: z.boolean(),
      /** In the cluster of the destination. */
      made: madeRole.nullable(),
    })
    .optional(),
  /** What preflight had to say before anything was touched. */
  concerns: z.array(concern).default([]),
});
export type Told = z.infer<typeof told>;

/** Bytes that a host copied within itself. */
export const copiedByHost = (copiedBytes: number): Told['carried'] => ({
  by: 'host',
  memoryBytes: 0,
  copiedBytes,
  mirroredBytes: 0,
});

/** What a receipt says, before it is signed. */
export const receiptBody = z.object({
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
export type ReceiptBody = z.infer<typeof receiptBody>;

/** Ed25519 (RFC 8032) by the app's key over the receipt without its signature, in canonical JSON (RFC 8785). */
export const receiptSignature = z.object({
  algorithm: z.literal('Ed25519'),
  /** SHA-256 of the public key (SPKI, DER), its first 16 hexadecimal digits: which key to verify with. */
  keyId: z.string().regex(/^[0-9a-f]{16}$/),
  /** base64url */
  value: z.string().regex(/^[A-Za-z0-9_-]{86}$/),
});

/** The proof that a finished run leaves; the body of `GET /api/migrations/{id}/receipt`. */
export const receipt = receiptBody.extend({ signature: receiptSignature });
export type Receipt = z.infer<typeof receipt>;

/** The body of `GET /api/receipt-key`: the public half of the key that signs receipts. */
export const receiptKey = z.object({
  algorithm: z.literal('Ed25519'),
  keyId: receiptSignature.shape.keyId,
  /** SPKI, DER. */
  publicKeyBase64: z.base64(),
});
export type ReceiptKey = z.infer<typeof receiptKey>;
