import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openDisk } from '../../../agent/disks/chain';
import type { Disk } from '../../../agent/disks/image';
import { formatOfName } from '../../../agent/disks/open-image';
import { blockOffsetBytes, geometryOf } from '../../../agent/hyperv/simulated/guest/geometry';
import { readSavedState } from '../../../agent/hyperv/simulated/guest/saved-state-file';
import { claimOf, stampBlockBytes } from '../../../agent/hyperv/simulated/guest/stamp';
import type { VmRecord } from '../../../agent/hyperv/simulated/records';
import type { RunId, VmId } from '../../../contracts/ids';
import { readRegistration } from '../registration';

/** What the comparison of both disks found. */
export type Comparison = {
  readonly proof: 'fence';
  readonly bytesRead: number;
  /** Blocks of 4 KiB that the guest wrote after the fence, each proved by the stamp that the guest puts on what it writes. */
  readonly writtenSinceFence: number;
  /** Where the disks differ and no write of the guest since the fence explains it. */
  readonly lostAt: readonly number[];
  /** What `qemu-img compare` says of the destination disk; undefined where it is not installed. */
  readonly qemu: { readonly identical: boolean; readonly said: string } | undefined;
};

export type ComparisonRequest = {
  readonly runId: RunId;
  readonly vmId: VmId;
  readonly sourceFolder: string;
  readonly destinationFolder: string;
  /** For the source as one flat file, which qemu-img can read; it knows no differencing VHDX or VHD. */
  readonly scratchFolder: string;
};

const chunkBytes = 1024 * 1024;
const lostShownMax = 10;

async function openFirstDisk(hostFolder: string, vm: VmRecord): Promise<Disk> {
  const path = vm.disks[0]?.path ?? '';
  const disk = await openDisk(path, { access: 'read', roots: [hostFolder] });
  if (!disk.ok) throw new Error(`${path}: ${disk.failure.message}`);
  return disk.value;
}

/** The number of the guest's last write before the fence, from the memory that was saved with it. */
async function sequenceAtFence(source: VmRecord): Promise<number> {
  const saved = await readSavedState(source.savedState?.path ?? '', source.vmId);
  if (!saved.ok) throw new Error(`the saved state of the source cannot be read: ${saved.reason}`);
  return saved.memory.sequence;
}

/** Whether the block at that place of the destination is one that the guest wrote after the fence. */
function isLaterWrite(
  content: Uint8Array,
  offsetBytes: number,
  source: VmRecord,
  size: number,
  fence: number,
): boolean {
  const { workBlocks, outskirtsBlocks } = geometryOf(size, source.guest);
  const block = (offsetBytes - blockOffsetBytes(0)) / stampBlockBytes;
  if (!Number.isInteger(block) || block < 0 || block >= workBlocks + outskirtsBlocks) return false;
  const claim = claimOf(content, { seed: source.guest.seed, disk: 0, block });
  if (claim.type === 'whole') return claim.sequence > fence;
  return claim.type === 'torn' && claim.newestSequence > fence;
}

const zeros = Buffer.alloc(chunkBytes);

const blocksOf = (lengthBytes: number): number[] =>
  Array.from({ length: Math.ceil(lengthBytes / stampBlockBytes) }, (_, index) => index * stampBlockBytes);

/** Reads both disks to their end. Writes the source, with the guest's later writes put in, to `flat`. */
async function readBoth(
  source: { readonly vm: VmRecord; readonly disk: Disk },
  destination: Disk,
  flat: number,
): Promise<Pick<Comparison, 'bytesRead' | 'writtenSinceFence' | 'lostAt'>> {
  const size = source.disk.virtualSizeBytes;
  if (destination.virtualSizeBytes !== size) throw new Error('the disks are of different size');
  const fence = await sequenceAtFence(source.vm);
  const lostAt: number[] = [];
  let writtenSinceFence = 0;
  ftruncateSync(flat, size);
  for (let at = 0; at < size; at += chunkBytes) {
    const length = Math.min(chunkBytes, size - at);
    const expected = Buffer.alloc(length);
    const found = Buffer.alloc(length);
    await source.disk.read(expected, at);
    await destination.read(found, at);
    for (const offset of expected.equals(found) ? [] : blocksOf(length)) {
      const here = found.subarray(offset, offset + stampBlockBytes);
      const there = expected.subarray(offset, offset + stampBlockBytes);
      if (here.equals(there)) continue;
      if (isLaterWrite(here, at + offset, source.vm, size, fence)) {
        writtenSinceFence += 1;
        there.set(here);
      } else if (lostAt.length < lostShownMax) lostAt.push(at + offset);
    }
    if (!expected.equals(zeros.subarray(0, length))) writeSync(flat, expected, 0, length, at);
  }
  return { bytesRead: 2 * size, writtenSinceFence, lostAt };
}

/** qemu-img reads the destination's disk by itself and compares it with the flat source. */
function compareByQemu(flatPath: string, path: string): Comparison['qemu'] {
  if (spawnSync('qemu-img', ['--version'], { stdio: 'ignore' }).status !== 0) return undefined;
  const format = formatOfName(path) === 'vhd' ? 'vpc' : 'vhdx';
  const run = spawnSync('qemu-img', ['compare', '-f', 'raw', '-F', format, flatPath, path], { encoding: 'utf8' });
  return { identical: run.status === 0, said: (run.stdout + run.stderr).trim() };
}

/**
 * Compares the destination's disk with the source as it was at the fence. The source was kept, fenced and saved, so it is what it was;
 * at the destination the guest has gone on writing, and what it wrote since is told by its stamps and by nothing else. The agent of the
 * destination must be stopped. Throws when one of the disks cannot be read, which is a loss as well.
 */
export async function compareDisks(request: ComparisonRequest): Promise<Comparison> {
  const { runId, vmId, sourceFolder, destinationFolder, scratchFolder } = request;
  const vm = readRegistration(sourceFolder, vmId);
  const arrived = readRegistration(destinationFolder, vmId);
  if (vm?.fencedBy !== runId) throw new Error(`the source is not fenced by ${runId}`);
  if (arrived?.startedBy?.runId !== runId) throw new Error(`the destination was not started by ${runId}`);
  const flatPath = join(scratchFolder, 'source-at-fence.raw');
  const source = await openFirstDisk(sourceFolder, vm);
  const destination = await openFirstDisk(destinationFolder, arrived);
  const flat = openSync(flatPath, 'w', 0o600);
  try {
    const read = await readBoth({ vm, disk: source }, destination, flat);
    const qemu = destination.images.length === 1 ? compareByQemu(flatPath, arrived.disks[0]?.path ?? '') : undefined;
    return { proof: 'fence', ...read, qemu };
  } finally {
    closeSync(flat);
    rmSync(flatPath, { force: true });
    await source.close();
    await destination.close();
  }
}
