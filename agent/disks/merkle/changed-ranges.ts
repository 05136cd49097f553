import type { ChunkDigest } from '../chunks';
import { chunkLengthAt, zeroChunk } from './nodes';

export type ChangedRange = { readonly offsetBytes: number; readonly lengthBytes: number };

/** Where two disks of one size differ, in whole chunks, neighbours joined; of the digests of each, ascending. What one leaves out reads zero there. */
export async function* changedRanges(
  virtualSizeBytes: number,
  one: AsyncIterable<ChunkDigest>,
  other: AsyncIterable<ChunkDigest>,
): AsyncGenerator<ChangedRange> {
  let pending: ChangedRange | undefined;
  for await (const { offsetBytes, first, second } of side(one, other)) {
    const lengthBytes = chunkLengthAt(virtualSizeBytes, offsetBytes);
    if ((first ?? zeroChunk(lengthBytes)).equals(second ?? zeroChunk(lengthBytes))) continue;
    if (pending !== undefined && pending.offsetBytes + pending.lengthBytes === offsetBytes) {
      pending = { offsetBytes: pending.offsetBytes, lengthBytes: pending.lengthBytes + lengthBytes };
      continue;
    }
    if (pending !== undefined) yield pending;
    pending = { offsetBytes, lengthBytes };
  }
  if (pending !== undefined) yield pending;
}

type Pair = { readonly offsetBytes: number; readonly first: Buffer | undefined; readonly second: Buffer | undefined };

/** Each place once that any of the two has, with what each has there. */
async function* side(one: AsyncIterable<ChunkDigest>, other: AsyncIterable<ChunkDigest>): AsyncGenerator<Pair> {
  const [left, right] = [one[Symbol.asyncIterator](), other[Symbol.asyncIterator]()];
  try {
    let [first, second] = [await nextOf(left), await nextOf(right)];
    while (first !== undefined || second !== undefined) {
      const offsetBytes = Math.min(first?.offsetBytes ?? Infinity, second?.offsetBytes ?? Infinity);
      const [mine, theirs] = [first, second].map((chunk) => (chunk?.offsetBytes === offsetBytes ? chunk : undefined));
      yield { offsetBytes, first: mine?.digest, second: theirs?.digest };
      if (mine !== undefined) first = await nextOf(left);
      if (theirs !== undefined) second = await nextOf(right);
    }
  } finally {
    await left.return?.();
    await right.return?.();
  }
}

async function nextOf(chunks: AsyncIterator<ChunkDigest>): Promise<ChunkDigest | undefined> {
  const next = await chunks.next();
  return next.done === true ? undefined : next.value;
}
