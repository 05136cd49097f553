import { openDisk } from '../../../agent/disks/chain';
import type { Disk } from '../../../agent/disks/image';
import { claimOf, stampBlockBytes } from '../../../agent/hyperv/simulated/guest/stamp';
import { blockOffsetBytes } from '../../../agent/hyperv/simulated/guest/geometry';
import { Draw } from '../platform/chance';
import { done } from '../platform/file-fates';
import { FileTree } from '../platform/file-tree';
import { Loop } from '../platform/loop';
import { MachineFiles } from '../platform/machine-files';
import { folderOf } from '../platform/modules';
import { placeOf } from './registrations';

/** A VM's disks as they were at one moment, to look into without disturbing them. */
export type Snapshot = {
  /** Whose state files name the disks. */
  readonly machine: string;
  readonly disks: readonly { readonly diskId: string; readonly path: string }[];
  /** The files of a machine, or those that machines share. */
  readonly treeOf: (name: string) => FileTree;
};

/** The same, of files that go on changing. */
export function kept({ machine, disks, treeOf }: Snapshot): Snapshot {
  const trees = new Map<string, FileTree>();
  for (const { path } of disks) {
    const { on } = placeOf(machine, path);
    if (!trees.has(on)) trees.set(on, treeOf(on).copy());
  }
  return { machine, disks, treeOf: (name) => trees.get(name) ?? new FileTree() };
}

/** Machines that are none, by the names under which the platform finds their files. */
export const snapshots = new Map<string, MachineFiles>();

const name = 'snapshot';
let loop = new Loop(0);

function show(tree: FileTree): void {
  loop = new Loop(0);
  const files = new MachineFiles({
    loop,
    draw: new Draw(0, 'snapshot'),
    syncMsMax: 0,
    fateOf: () => done,
    namesChanged: () => undefined,
    written: () => undefined,
  });
  files.tree = tree.copy();
  snapshots.set(name, files);
}

const readBytes = 1024 * 1024;
const zeros = Buffer.alloc(readBytes);
/** For what is read now; worlds are looked into one after the other. */
const piece = Buffer.alloc(readBytes);

/**
 * Reads a disk of a snapshot piece by piece, as its guest would; what a power loss left in a log counts. A piece that is looked at is there
 * until the next: one that no image holds is `zeros`.
 */
async function eachPiece(
  { machine, disks, treeOf }: Snapshot,
  diskId: string,
  look: (piece: Buffer, offsetBytes: number) => void,
): Promise<string | undefined> {
  const named = disks.find((disk) => disk.diskId === diskId);
  if (named === undefined) return `there is no disk ${diskId}`;
  const { on, path } = placeOf(machine, named.path);
  show(treeOf(on));
  const opened = await openDisk(folderOf(name) + path, {
    access: 'write',
    tables: 'ordered',
    dataWriteId: 'kept',
    newGuid: () => '00000000-0000-4000-8000-000000000000',
    roots: [folderOf(name)],
  });
  if (!opened.ok) return `${path} cannot be opened: ${opened.failure.message}`;
  const disk: Disk = opened.value;
  for (let at = 0; at < disk.virtualSizeBytes; at += readBytes) {
    const to = Math.min(at + readBytes, disk.virtualSizeBytes);
    if (!isHeld(disk, at, to)) {
      look(zeros.subarray(0, to - at), at);
      continue;
    }
    const part = piece.subarray(0, to - at);
    await disk.read(part, at);
    look(part, at);
  }
  return undefined;
}

const isHeld = ({ images }: Disk, from: number, to: number): boolean =>
  images.some((image) => image.extents(from, to)[Symbol.iterator]().next().done !== true);

async function contentOf(
  snapshot: Snapshot,
  diskId: string,
): Promise<{ readonly pieces: Buffer[]; readonly wrong: string | undefined }> {
  const pieces: Buffer[] = [];
  const wrong = await eachPiece(snapshot, diskId, (part) =>
    pieces.push(part.buffer === zeros.buffer ? part : Buffer.from(part)),
  );
  return { pieces, wrong };
}

/** Whether guests of two snapshots of a VM would read the same; undefined when they would, else the first difference in words. */
export async function differenceBetween(one: Snapshot, other: Snapshot): Promise<string | undefined> {
  if (one.disks.length !== other.disks.length) return 'one has more disks than the other';
  for (const { diskId } of one.disks) {
    const before = await contentOf(one, diskId);
    if (before.wrong !== undefined) return `the one: ${before.wrong}`;
    let different: number | undefined;
    const wrong = await eachPiece(other, diskId, (part, at) => {
      const expected = before.pieces[at / readBytes];
      if (different === undefined && (expected === undefined || !expected.equals(part))) different = at;
    });
    if (wrong !== undefined) return `the other: ${wrong}`;
    if (different !== undefined) return `${diskId} differs in the MiB at byte ${different}`;
  }
  return undefined;
}

/**
 * Whether every block of a VM's disks is what it was in the beginning, or was written by the VM's own guest. That is all that a move may
 * leave behind. Undefined when it is so.
 */
export async function strangeContent(now: Snapshot, beginning: Snapshot, seed: number): Promise<string | undefined> {
  for (const [ordinal, { diskId }] of beginning.disks.entries()) {
    const before = await contentOf(beginning, diskId);
    if (before.wrong !== undefined) return before.wrong;
    let strange: string | undefined;
    const wrong = await eachPiece(now, diskId, (part, at) => {
      const old = before.pieces[at / readBytes];
      if (strange !== undefined || old?.equals(part) === true) return;
      for (let within = 0; within < part.length; within += stampBlockBytes) {
        const content = part.subarray(within, within + stampBlockBytes);
        if (old?.subarray(within, within + stampBlockBytes).equals(content) === true) continue;
        const block = (at + within - blockOffsetBytes(0)) / stampBlockBytes;
        const claim = claimOf(content, { seed, disk: ordinal, block });
        if (claim.type === 'whole' || claim.type === 'torn') continue;
        strange ??= `${diskId} holds at byte ${at + within} what neither was there nor its guest wrote (${claim.type})`;
      }
    });
    if (wrong !== undefined) return wrong;
    if (strange !== undefined) return strange;
  }
  return undefined;
}
