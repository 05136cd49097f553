import type { WritableImage } from '../../disks/image';
import { fillWithNoise, seedOf } from './seeded';

const chunkBytes = 8 * 1024 * 1024;
const sectorBytesMax = 4096;
const runBytes = 64 * 1024 * 1024;

/**
 * Writes `dataBytes` of seeded noise into an image and makes it durable: in runs of 64 MiB with gaps between them, as evenly over the
 * disk as whole mebibytes allow. Tells after each write how many bytes it was.
 */
export async function fillDisk(
  image: WritableImage,
  dataBytes: number,
  seed: number,
  onWritten: (bytes: number) => void,
): Promise<void> {
  const { virtualSizeBytes } = image.shape;
  const wantedBytes = Math.floor(Math.min(dataBytes, virtualSizeBytes) / sectorBytesMax) * sectorBytesMax;
  const runs = Math.max(1, Math.ceil(wantedBytes / runBytes));
  const strideBytes = Math.floor(virtualSizeBytes / runs / (1024 * 1024)) * 1024 * 1024;
  const chunk = Buffer.alloc(chunkBytes);
  let leftBytes = wantedBytes;
  for (let run = 0; run < runs && leftBytes > 0; run++) {
    const startBytes = strideBytes >= runBytes ? run * strideBytes : run * runBytes;
    const endBytes = Math.min(startBytes + Math.min(runBytes, leftBytes), virtualSizeBytes);
    for (let at = startBytes; at < endBytes; at += chunkBytes) {
      const part = chunk.subarray(0, Math.min(chunkBytes, endBytes - at));
      fillWithNoise(part, seedOf(seed, at));
      await image.write(part, at);
      leftBytes -= part.length;
      onWritten(part.length);
    }
  }
  await image.flush();
}
