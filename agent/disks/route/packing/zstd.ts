import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { blockBytesMax } from '../../../../contracts/limits';

/** What packing is called between the ends. */
export const zstd = 'zstd';

/** Room for what does not shrink: the result is one piece of memory. */
const packedBytesMax = blockBytesMax + 64 * 1024;
const packing = { chunkSize: packedBytesMax, params: { [constants.ZSTD_c_compressionLevel]: 1 } };
/** A block needs no larger window than itself; one that is said to need more gets none. */
const windowLog = Math.log2(blockBytesMax);

/** Packed at level 1, the cheapest that zstd (RFC 8878) has. */
export const pack = (bytes: Uint8Array): Buffer => zstdCompressSync(bytes, packing);

/**
 * The `lengthBytes` bytes, at most `blockBytesMax`, that were packed; undefined when it is anything else, of which no more than that is ever
 * unpacked.
 */
export function unpack(packed: Uint8Array, lengthBytes: number): Buffer | undefined {
  const limits = { chunkSize: Math.max(64, lengthBytes), maxOutputLength: lengthBytes };
  try {
    const bytes = zstdDecompressSync(packed, { ...limits, params: { [constants.ZSTD_d_windowLogMax]: windowLog } });
    return bytes.length === lengthBytes ? bytes : undefined;
  } catch {
    return undefined;
  }
}
