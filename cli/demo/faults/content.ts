import { Blake3Hasher } from '@napi-rs/blake-hash';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openDisk } from '../../../agent/disks/chain';
import { exportLayout } from '../../../agent/hyperv/home/export-folder';
import { blockOffsetBytes, geometryOf } from '../../../agent/hyperv/simulated/guest/geometry';
import type { GuestSettings } from '../../../agent/hyperv/simulated/records';

/** What no guest writes of a disk: all but the part that its guest works in. */
export type FixedContent = { readonly digest: string; readonly bytesRead: number };

const chunkBytes = 1024 * 1024;

/** BLAKE3 over that part. The guest must not run meanwhile. Throws when the disk cannot be read, which is a loss as well. */
export async function readFixedContent(path: string, root: string, guest: GuestSettings): Promise<FixedContent> {
  const disk = await openDisk(path, { access: 'read', roots: [root] });
  if (!disk.ok) throw new Error(`${path}: ${disk.failure.message}`);
  try {
    const { virtualSizeBytes } = disk.value;
    const { workBlocks, outskirtsBlocks } = geometryOf(virtualSizeBytes, guest);
    const [from, to] = [blockOffsetBytes(0), blockOffsetBytes(workBlocks + outskirtsBlocks)];
    const hash = new Blake3Hasher();
    const buffer = Buffer.alloc(chunkBytes);
    for (let at = 0; at < virtualSizeBytes;) {
      if (at >= from && at < to) {
        at = to;
        continue;
      }
      const end = Math.min(at + chunkBytes, virtualSizeBytes, at < from ? from : virtualSizeBytes);
      const chunk = buffer.subarray(0, end - at);
      await disk.value.read(chunk, at);
      hash.update(chunk);
      at = end;
    }
    return { digest: hash.digest('hex'), bytesRead: virtualSizeBytes - (to - from) };
  } finally {
    await disk.value.close();
  }
}

/** The disk of an export of that name, if it is there whole: before it is, the folder has another name. */
export function exportedDisk(folder: string, vmName: string): string | undefined {
  const { disks } = exportLayout(join(folder, vmName));
  const images = existsSync(disks) ? readdirSync(disks) : [];
  const [image] = images;
  return image === undefined || images.length > 1 ? undefined : join(disks, image);
}

/** What the comparison of a disk with what it was made with found. */
export type ContentComparison = FixedContent & { readonly proof: 'content'; readonly identical: boolean };

/** Compares what no guest writes of a disk with what it was made with. */
export async function compareContent(
  path: string,
  root: string,
  guest: GuestSettings,
  made: FixedContent,
): Promise<ContentComparison> {
  const found = await readFixedContent(path, root, guest);
  return { proof: 'content', ...found, identical: found.digest === made.digest };
}
