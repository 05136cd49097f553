import { failureOf } from '../../../contracts/failure';
import { blockName, StagingError, type BlockStore } from './block-store';
import type { StagingKeys } from './keys';
import { contentBytesOf, endOfFrame, type StagedFrame, type StagedPart } from './manifest';
import { damaged } from './manifest-reader';
import { openBlock, sealedBytesOf } from './sealed-block';

/** Times that a block is fetched when what came is not what was sealed: it may have been damaged on its way. */
const fetchesMax = 2;

/** A part whose block has come and was opened. */
export type FetchedPart = { readonly part: StagedPart; readonly content: Buffer };

/**
 * Fetches the block of a part and opens it. Throws `StagingError`: `StagedContentMissing`; `StagedContentDamaged` when what is stored under
 * its name is not what was sealed for it.
 */
export async function fetchPart(store: BlockStore, keys: StagingKeys, part: StagedPart): Promise<FetchedPart> {
  const { address } = part;
  if (address === null) return { part, content: Buffer.alloc(0) };
  const name = blockName(address);
  const contentBytes = contentBytesOf(part);
  for (let fetches = 1; fetches <= fetchesMax; fetches += 1) {
    const sealed = await store.get(name, sealedBytesOf(contentBytes));
    if (sealed === undefined)
      throw new StagingError(failureOf('StagedContentMissing', { message: `${name} is not in the staging container` }));
    const content = sealed.length === sealedBytesOf(contentBytes) ? openBlock(keys, address, sealed) : undefined;
    if (content !== undefined) return { part, content };
  }
  throw damaged(`${name} holds other bytes than the source put there`);
}

/** What of a part lies behind an offset, each data frame with its bytes. An offset in the middle of a frame is none that was ever reached. */
export function* framesAfter(
  { part, content }: FetchedPart,
  fromBytes: number,
): Generator<{ readonly frame: StagedFrame; readonly bytes: Buffer }> {
  let at = 0;
  for (const frame of part.frames) {
    const lengthBytes = frame.kind === 'data' ? frame.lengthBytes : 0;
    const bytes = content.subarray(at, at + lengthBytes);
    at += lengthBytes;
    if (endOfFrame(frame) > fromBytes) yield { frame, bytes };
  }
}
