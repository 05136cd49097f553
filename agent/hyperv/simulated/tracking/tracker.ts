import { open, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { ifExists, syncFolder } from '../../../files';
import { makeFolder } from '../../files';
import { coalesced, type Range } from '../../home/ranges';

/** Changes are known by regions of this size, or larger ones on disks so large that the table would not stay small. */
const regionBytesMin = 64 * 1024;
const regionsMax = 2 ** 24;
const headerBytes = 4096;
const entryBytes = 4;
const tableChunkBytes = 4 * 1024 * 1024;

const header = z.object({
  schema: z.literal(1),
  /** Another one whenever tracking begins anew: what was asked under an older one is not known any more. */
  trackingGuid: z.guid(),
  /** What is written now belongs to this generation; each reference point ends one. */
  generation: z.int().positive().max(0xffff_ffff),
  virtualDiskId: z.guid(),
  virtualSizeBytes: z.int().positive(),
  /** Data write id of the disk when its VM was stopped; null while it runs. A disk with another one was written to by somebody else. */
  seal: z.guid().nullable(),
});
type Header = z.infer<typeof header>;

/** The disk that is tracked, as its own file says. */
export type TrackedDisk = {
  readonly virtualDiskId: string;
  readonly virtualSizeBytes: number;
  readonly dataWriteId: string;
};

const regionBytesOf = (virtualSizeBytes: number): number => {
  let bytes = regionBytesMin;
  while (virtualSizeBytes / bytes > regionsMax) bytes *= 2;
  return bytes;
};

const regionsOf = (virtualSizeBytes: number): number => Math.ceil(virtualSizeBytes / regionBytesOf(virtualSizeBytes));

/**
 * Id of the moment that ends `generation`, in the form that Hyper-V gives its own (`rctX:`, the parts of a GUID, a number). Opaque to
 * everybody else.
 */
const trackingIdOf = (guid: string, generation: number): string =>
  `rctX:${guid.replaceAll('-', ':')}:${generation.toString(16).padStart(8, '0')}`;

function parseTrackingId(text: string): { guid: string; generation: number } | undefined {
  const parts = /^rctX:([0-9a-f:]{36}):([0-9a-f]{8})$/.exec(text);
  if (parts?.[1] === undefined || parts[2] === undefined) return undefined;
  return { guid: parts[1].replaceAll(':', '-'), generation: Number.parseInt(parts[2], 16) };
}

/**
 * The change tracking of one disk: a file with the generation of each region's last write, so that the changes since any earlier point
 * are the regions of later generations. A region is marked durably before it is written, as the table of modified regions of Hyper-V is,
 * so that neither the end of the process nor a loss of power leaves a change unmarked: what was written and read by a copy may be gone
 * with the power, which is a change too.
 */
export class ChangeTracker {
  private readonly marked = new Set<number>();

  private constructor(
    private readonly handle: FileHandle,
    private readonly known: Header,
  ) {}

  /** The tracking of a disk that its guest is about to open; undefined where none was begun, or where its file is damaged. */
  static async open(path: string): Promise<ChangeTracker | undefined> {
    const handle = await ifExists(open(path, 'r+'));
    if (handle === undefined) return undefined;
    try {
      const known = await readHeader(handle);
      if (known !== undefined) return new ChangeTracker(handle, known);
    } catch (thrown) {
      await handle.close();
      throw thrown;
    }
    await handle.close();
    return undefined;
  }

  /** To be waited for before the range is written: its marks are durable then, whatever of the range is. */
  async note(offsetBytes: number, lengthBytes: number): Promise<void> {
    const regionBytes = regionBytesOf(this.known.virtualSizeBytes);
    const first = Math.floor(offsetBytes / regionBytes);
    const last = Math.floor((offsetBytes + lengthBytes - 1) / regionBytes);
    const regions = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    const fresh = regions.filter((region) => !this.marked.has(region));
    if (fresh.length === 0) return;
    const entry = Buffer.alloc(entryBytes);
    entry.writeUInt32LE(this.known.generation);
    for (const region of fresh) await this.handle.write(entry, 0, entryBytes, headerBytes + region * entryBytes);
    await this.handle.datasync();
    for (const region of fresh) this.marked.add(region);
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

async function readHeader(handle: FileHandle): Promise<Header | undefined> {
  const bytes = Buffer.alloc(headerBytes);
  await handle.read(bytes, 0, headerBytes, 0);
  const end = bytes.indexOf(0);
  try {
    const parsed = header.safeParse(JSON.parse(bytes.toString('utf8', 0, end === -1 ? headerBytes : end)));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

async function writeHeader(handle: FileHandle, value: Header): Promise<void> {
  const bytes = Buffer.alloc(headerBytes);
  bytes.write(JSON.stringify(value));
  await handle.write(bytes, 0, headerBytes, 0);
  await handle.sync();
}

/** Whether what the file speaks of is this disk, as it was left. */
const isOf = (known: Header, disk: TrackedDisk): boolean =>
  known.virtualDiskId === disk.virtualDiskId &&
  known.virtualSizeBytes === disk.virtualSizeBytes &&
  (known.seal === null || known.seal === disk.dataWriteId);

export type Advanced = {
  /** The reference point that begins now. */
  readonly trackingId: string;
  /** What was written since the point that was asked after; undefined when that is not known, so that all of the disk counts. */
  readonly changed: readonly Range[] | undefined;
};

/**
 * Ends a generation of the tracking of a disk that nobody writes to at the moment, and begins the tracking where there is none yet.
 * Durable when it returns. A point of a tracking that began anew since is not known any more.
 */
export async function advanceTracking(
  path: string,
  disk: TrackedDisk,
  since: string | null,
  newGuid: () => string,
): Promise<Advanced> {
  await makeFolder(dirname(path));
  const handle = (await ifExists(open(path, 'r+'))) ?? (await open(path, 'w+'));
  try {
    const found = await readHeader(handle);
    const known = found !== undefined && isOf(found, disk) ? found : await beginAnew(handle, disk, newGuid);
    const point = since === null ? undefined : parseTrackingId(since);
    const isKnown = point !== undefined && point.guid === known.trackingGuid && point.generation < known.generation;
    const changed = isKnown ? await changedAfter(handle, known, point.generation) : undefined;
    await writeHeader(handle, { ...known, generation: known.generation + 1, seal: null });
    await syncFolder(dirname(path));
    return { trackingId: trackingIdOf(known.trackingGuid, known.generation), changed };
  } finally {
    await handle.close();
  }
}

async function beginAnew(handle: FileHandle, disk: TrackedDisk, newGuid: () => string): Promise<Header> {
  const { virtualDiskId, virtualSizeBytes } = disk;
  await handle.truncate(0);
  await handle.truncate(headerBytes + regionsOf(virtualSizeBytes) * entryBytes);
  const trackingGuid = newGuid().toLowerCase();
  const begun: Header = { schema: 1, trackingGuid, generation: 1, virtualDiskId, virtualSizeBytes, seal: null };
  await writeHeader(handle, begun);
  return begun;
}

/** Regions written since a point, while the guest goes on; undefined when the point is not known. */
export async function changedSince(path: string, since: string): Promise<readonly Range[] | undefined> {
  const handle = await ifExists(open(path, 'r'));
  if (handle === undefined) return undefined;
  try {
    const known = await readHeader(handle);
    const point = parseTrackingId(since);
    if (known === undefined || point === undefined || point.guid !== known.trackingGuid) return undefined;
    return await changedAfter(handle, known, point.generation);
  } finally {
    await handle.close();
  }
}

/** Bytes of the regions written since a point; undefined when the point is not known. */
export async function changedBytesSince(path: string, since: string): Promise<number | undefined> {
  const changed = await changedSince(path, since);
  return changed?.reduce((sum, [, lengthBytes]) => sum + lengthBytes, 0);
}

async function changedAfter(handle: FileHandle, known: Header, generation: number): Promise<Range[]> {
  const { virtualSizeBytes } = known;
  const regionBytes = regionBytesOf(virtualSizeBytes);
  const ranges: [number, number][] = [];
  const chunk = Buffer.alloc(Math.min(tableChunkBytes, regionsOf(virtualSizeBytes) * entryBytes));
  for (let first = 0; first < regionsOf(virtualSizeBytes); first += chunk.length / entryBytes) {
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, headerBytes + first * entryBytes);
    for (let at = 0; at + entryBytes <= bytesRead; at += entryBytes) {
      if (chunk.readUInt32LE(at) <= generation) continue;
      const offset = (first + at / entryBytes) * regionBytes;
      const last = ranges.at(-1);
      if (last !== undefined && last[0] + last[1] === offset) last[1] += regionBytes;
      else ranges.push([offset, regionBytes]);
    }
  }
  return coalesced(ranges, virtualSizeBytes);
}

/** Notes what a disk is like now that its VM stands still, so that a write by anybody else shows. */
export async function sealTracking(path: string, dataWriteId: string): Promise<void> {
  const handle = await ifExists(open(path, 'r+'));
  if (handle === undefined) return;
  try {
    const known = await readHeader(handle);
    if (known !== undefined) await writeHeader(handle, { ...known, seal: dataWriteId });
  } finally {
    await handle.close();
  }
}

/** Takes the seal off before the guest writes again. Tracking of a disk that is not as it was left begins anew. */
export async function unsealTracking(path: string, disk: TrackedDisk, newGuid: () => string): Promise<void> {
  if ((await ifExists(stat(path))) === undefined) return;
  const handle = await open(path, 'r+');
  try {
    const known = await readHeader(handle);
    if (known === undefined || !isOf(known, disk)) await beginAnew(handle, disk, newGuid);
    else if (known.seal !== null) await writeHeader(handle, { ...known, seal: null });
  } finally {
    await handle.close();
  }
}
