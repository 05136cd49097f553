import { mib } from '../../../agent/disks/route/testing/hosts';
import { makeImage, shapeOf, type Piece } from '../../../agent/disks/route/testing/images';
import { seededBytes } from '../../../agent/disks/route/testing/random';

/** What is drawn of an image: everything else about it follows from the seed. */
export type SoakImage = { readonly description: string; readonly dataBytes: number };

const pieceBytes = 4 * mib;
/** One of so many pieces at random holds nothing, one holds zeros, one ends inside a mebibyte. */
const oneOf = 8;

/**
 * Makes a dynamic or fixed VHDX with about this much data: runs of random bytes with holes, written zeros and odd ends between them, so that
 * frames, reads and blocks begin and end where they may.
 */
export async function makeSoakImage(path: string, dataBytesMin: number, random: () => number): Promise<SoakImage> {
  const pieces: Piece[] = [];
  let [at, dataBytes] = [0, 0];
  while (dataBytes < dataBytesMin) {
    const drawn = Math.floor(random() * oneOf);
    const lengthBytes = drawn === 2 ? 512 * (1 + Math.floor(random() * 4000)) : pieceBytes;
    if (drawn === 1) pieces.push({ offsetBytes: at, data: Buffer.alloc(lengthBytes) });
    if (drawn > 1) {
      pieces.push({ offsetBytes: at, data: seededBytes(lengthBytes, random() * 2 ** 32) });
      dataBytes += lengthBytes;
    }
    at += pieceBytes;
  }
  const kind = random() < 0.75 ? 'dynamic' : 'fixed';
  const blockSizeBytes = mib * 2 ** Math.floor(random() * 6);
  await makeImage(path, shapeOf({ kind, virtualSizeBytes: at, blockSizeBytes }), pieces);
  return { description: `${kind}, blocks of ${blockSizeBytes / mib} MiB`, dataBytes };
}
