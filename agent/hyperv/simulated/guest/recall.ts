import type { Disk } from '../../../disks/image';
import type { GuestSettings } from '../records';
import { blockOffsetBytes, geometryOf } from './geometry';
import type { DiskMemory, GuestMemory } from './memory';
import { claimOf, holdsStamp, stampBlockBytes, type Claim, type Place } from './stamp';

/** A disk as a guest uses it. */
export type GuestDisk = Pick<Disk, 'images' | 'virtualSizeBytes' | 'read' | 'write' | 'flush' | 'close'>;

/** The disks of a guest, in the order of the VM's configuration. */
export type GuestDisks = readonly { readonly diskId: DiskMemory['diskId']; readonly disk: GuestDisk }[];

const chunkBlocks = 256;

/** Reads the work area of a disk and calls `look` for each block, until it answers something. */
async function lookThrough<T>(
  disk: GuestDisk,
  workBlocks: number,
  look: (block: number, content: Uint8Array) => T | undefined,
): Promise<T | undefined> {
  const chunk = new Uint8Array(Math.min(chunkBlocks, workBlocks) * stampBlockBytes);
  for (let first = 0; first < workBlocks; first += chunkBlocks) {
    const blocks = Math.min(chunkBlocks, workBlocks - first);
    const content = chunk.subarray(0, blocks * stampBlockBytes);
    await disk.read(content, blockOffsetBytes(first));
    for (let index = 0; index < blocks; index++) {
      const found = look(first + index, content.subarray(index * stampBlockBytes, (index + 1) * stampBlockBytes));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/**
 * Whether the disks hold what the memory says: every block of the work areas that the guest ever wrote, and the last writes behind
 * them. Undefined when they do, otherwise the first difference in words.
 */
export async function differenceFromMemory(
  memory: GuestMemory,
  settings: GuestSettings,
  disks: GuestDisks,
): Promise<string | undefined> {
  for (const [ordinal, { diskId, disk }] of disks.entries()) {
    const known = memory.disks.find((candidate) => candidate.diskId === diskId);
    if (known === undefined) return `the memory knows no disk ${diskId}`;
    const placeOf = (block: number): Place => ({ seed: settings.seed, disk: ordinal, block });
    const wrong = await lookThrough(disk, known.table.length, (block, content) => {
      const sequence = known.table[block] ?? 0;
      return sequence === 0 || holdsStamp(content, placeOf(block), sequence) ? undefined : block;
    });
    if (wrong !== undefined) return `${diskId} does not hold write ${known.table[wrong] ?? 0} in block ${wrong}`;
    const content = new Uint8Array(stampBlockBytes);
    for (const [block, sequence] of known.outskirts) {
      await disk.read(content, blockOffsetBytes(block));
      if (!holdsStamp(content, placeOf(block), sequence))
        return `${diskId} does not hold write ${sequence} in block ${block}`;
    }
  }
  return undefined;
}

/** The block of the first disk that is written after each flush: what is older than its sequence had been flushed. */
export const flushMarkBlock = 0;

export type Recollection = {
  readonly memory: GuestMemory;
  /** Blocks that the guest has to write anew, as a file system's check would. */
  readonly torn: readonly { readonly ordinal: number; readonly block: number }[];
  readonly damage: string | undefined;
};

/**
 * What a guest knows after a cold boot: it learns its table by reading its work areas. A block torn by the power loss is fine where its
 * write had not been flushed; anything else that no write left there is damage.
 */
export async function recollect(settings: GuestSettings, disks: GuestDisks): Promise<Recollection> {
  let flushedSequence = 0;
  let newestSequence = 0;
  let damage: string | undefined;
  const known: DiskMemory[] = [];
  const torn: { ordinal: number; block: number }[] = [];
  for (const [ordinal, { diskId, disk }] of disks.entries()) {
    const { workBlocks } = geometryOf(disk.virtualSizeBytes, settings);
    const table = new Array<number>(workBlocks).fill(0);
    await lookThrough(disk, workBlocks, (block, content) => {
      const claim = claimOf(content, { seed: settings.seed, disk: ordinal, block });
      if (ordinal === 0 && block === flushMarkBlock && claim.type === 'whole') flushedSequence = claim.sequence - 1;
      if (isDamage(claim, flushedSequence)) damage ??= `block ${block} of ${diskId} is ${claim.type}`;
      if (claim.type === 'torn') torn.push({ ordinal, block });
      if (claim.type === 'whole') table[block] = claim.sequence;
      newestSequence = Math.max(newestSequence, newestOf(claim));
      return undefined;
    });
    known.push({ diskId, table, outskirts: new Map() });
  }
  return { memory: { sequence: newestSequence, lastWriteAtMs: null, flushedSequence, disks: known }, torn, damage };
}

const isDamage = (claim: Claim, flushedSequence: number): boolean =>
  claim.type === 'damaged' || (claim.type === 'torn' && claim.newestSequence <= flushedSequence);

function newestOf(claim: Claim): number {
  switch (claim.type) {
    case 'whole':
      return claim.sequence;
    case 'torn':
      return claim.newestSequence;
    case 'blank':
    case 'damaged':
      return 0;
  }
}
