import { z } from 'zod';
import type { SeededRandom } from '../../agent/disks/testing/random';

const base64 = z.string();

/** One input of one target, as it is kept in a file when it finds something. */
export const fuzzInput = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('bytes'), bytes: base64 }),
  /** A prepared image with bytes changed, and cut or extended to a length. `use`: how it is opened. */
  z.strictObject({
    kind: z.literal('image'),
    base: z.string(),
    use: z.enum(['read', 'write']),
    lengthBytes: z.int().nonnegative(),
    patches: z.array(z.strictObject({ offsetBytes: z.int().nonnegative(), bytes: base64 })),
  }),
]);
export type FuzzInput = z.infer<typeof fuzzInput>;

export const bytesInput = (bytes: Buffer): FuzzInput => ({ kind: 'bytes', bytes: bytes.toString('base64') });

/** What is fuzzed. `run` throws, or never ends, or takes too much memory, only where there is something to mend. */
export type Target = {
  readonly name: string;
  make(random: SeededRandom): FuzzInput;
  run(input: FuzzInput): Promise<void>;
};

export const bytesOf = (input: FuzzInput): Buffer => {
  if (input.kind !== 'bytes') throw new RangeError('an input of another target');
  return Buffer.from(input.bytes, 'base64');
};
