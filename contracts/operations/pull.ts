import { z } from 'zod';
import { bandwidthHours } from '../bandwidth';
import { diskId, hostId } from '../ids';
import { convertTo } from '../requests/shapes';
import { bytes, digest, ofLine, ofPlace, type OperationDefinition } from './shapes';

/** What is pulled over the byte route: of a disk one file of its chain or what changed of it, or one file of the VM's own. */
export const pullSubject = z.discriminatedUnion('type', [
  z.object({ type: z.literal('image'), diskId, index: z.int().nonnegative() }),
  z.object({ type: z.literal('file'), file: z.enum(['configuration', 'memory']) }),
  /** What changed of an image since the last round of pre-copy, into the copy of that image. */
  z.object({ type: z.literal('changes'), diskId, index: z.int().nonnegative(), round: z.int().positive() }),
  /** Which parts of a disk a round was about, so that both ends can compare just those. */
  z.object({ type: z.literal('ranges'), diskId, round: z.int().positive() }),
]);
export type PullSubject = z.infer<typeof pullSubject>;

const peer = z.object({
  hostId,
  address: z.string(),
  port: z.int(),
  certificateSha256: z.string(),
  /** Signed by the app (relay/ticket.ts). It is made when the operation is sent and never enters an orchestration's history. */
  ticket: z.string(),
});

export const pullOperations = {
  /** Copies one image or file from a peer, resuming where an earlier attempt of this run stopped. */
  pull: {
    input: ofPlace.extend({
      subject: pullSubject,
      peer,
      bandwidthBytesPerSecondMax: z.int().positive().nullable(),
      bandwidthHours: bandwidthHours.nullable().default(null),
      /** What the ledger holds of this transfer; a journal that is behind it was lost. */
      ledgerWatermarkBytes: bytes.nullable(),
      /** Of an image: a disk at the destination that may hold much of it already. */
      seedPath: z.string().min(1).optional(),
      /** Of an image, and of changes that go into its copy: the format of the copy, where it is not to be that of the source. */
      convertTo,
    }),
    output: z.object({
      path: z.string(),
      /** Hash chain (BLAKE3) over the frames that carried the content, equal at both ends and for every way of being interrupted. */
      digest,
      dataBytes: bytes,
      sentBytes: bytes,
      resentBytes: bytes,
      zeroBytes: bytes,
      /** Bytes of blocks that were taken from a seed in place of the line. */
      seedBytes: bytes.optional(),
      /** Of a pull that took from a seed: what came, and in how many milliseconds, while the line was what it waited for. */
      ofLine: ofLine.optional(),
      /** Bytes of `sentBytes` that packing kept off the line. */
      savedBytes: bytes.optional(),
      /** Why a seed that was named was of no use, or not to the end. */
      seedProblem: z.string().optional(),
    }),
    afterStart: 'refused',
  },
} as const satisfies Record<string, OperationDefinition>;
