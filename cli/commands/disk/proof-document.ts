import { z } from 'zod';
import { chunkBytes } from '../../../agent/disks/chunks';
import { chunkProof } from '../../../agent/disks/merkle/chunk-proof';

/** A proof as `disk prove` prints it. */
export const proofDocument = chunkProof.extend({
  schema: z.literal(1),
  /** What it proves the chunk against. Nobody believes this: it is there to be looked for in a receipt. */
  merkleRoot: z.string().regex(/^[0-9a-f]{64}$/),
  bytesBase64: z.base64().max(Math.ceil(chunkBytes / 3) * 4),
});
export type ProofDocument = z.infer<typeof proofDocument>;

/** The longest that a proof can be, indented, with room to spare. */
export const proofFileBytesMax = 2 * chunkBytes;
