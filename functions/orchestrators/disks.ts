import type { DiskFacts } from '../../contracts/facts';
import { failed, failureOf, succeeded, type Outcome } from '../../contracts/failure';
import type { DiskId } from '../../contracts/ids';
import type { RunInput } from '../../contracts/migration';
import type { OperationOutput, PullSubject } from '../../contracts/operations';
import { sumOf } from '../../contracts/operations/shapes';
import { roomForCopyBytes } from '../../contracts/room';
import type { Load } from '../saga/load';
import type { Run } from '../saga/run';
import type { Durable, Step } from '../saga/step';
import { at, vmOf } from './operations-of-a-run';

/** What a run keeps of a VM's disks: sizes and counts, no paths, so that its history stays small. */
export type Sizes = {
  readonly vmName: string;
  readonly memoryBytes: number;
  readonly memoryFileBytes: number;
  readonly disks: readonly {
    readonly diskId: DiskId;
    readonly images: readonly { readonly allocatedBytes: number }[];
  }[];
};

export const sizesOf = (facts: {
  readonly vmName: string;
  readonly memoryBytes: number;
  readonly memoryFileBytes?: number;
  readonly disks: readonly DiskFacts[];
}): Sizes => ({
  vmName: facts.vmName,
  memoryBytes: facts.memoryBytes,
  memoryFileBytes: facts.memoryFileBytes ?? 0,
  disks: facts.disks.map((disk) => ({
    diskId: disk.diskId,
    images: disk.images.map((image) => ({ allocatedBytes: image.allocatedBytes })),
  })),
});

/** Bytes on the destination's volume, and memory, that the VM will take. */
export function roomNeeded(sizes: Sizes): { roomBytes: number; memoryBytes: number } {
  return { roomBytes: roomForCopyBytes(allocatedBytesOf(sizes), sizes.memoryBytes), memoryBytes: sizes.memoryBytes };
}

const allocatedBytesOf = ({ disks }: Pick<Sizes, 'disks'>): number =>
  disks.flatMap((disk) => disk.images).reduce((sum, image) => sum + image.allocatedBytes, 0);

/** What it takes to carry the memory of a VM that is saved. */
export const memoryOf = (sizes: Pick<Sizes, 'memoryBytes'> | null | undefined): Load | null =>
  sizes ? { carriedBytes: sizes.memoryBytes } : null;

/** What it takes to compare both ends: all that the disks hold, or hardly anything. */
export function readBy(verify: 'changed' | 'all', sizes: Pick<Sizes, 'disks'> | null | undefined): Load | null {
  if (verify === 'changed') return { readBytes: 0 };
  return sizes ? { readBytes: allocatedBytesOf(sizes) } : null;
}

export type Pulled = {
  readonly label: string;
  readonly subject: PullSubject;
  readonly bytesExpected: number;
  /** Whether a seed of its disk may help: not where the VM waits for the copy. */
  readonly seedable?: true;
};

/** Every image below the last of each disk. */
export const parentImages = (sizes: Sizes): Pulled[] => imagesOf(sizes, (index, last) => index < last).map(seedable);

/** Every image of each disk. */
export const allImages = (sizes: Sizes): Pulled[] => imagesOf(sizes, () => true).map(seedable);

const seedable = (file: Pulled): Pulled => ({ ...file, seedable: true });

/** The last image of each disk, the saved memory and the configuration. */
export const lastImages = (sizes: Sizes): Pulled[] => [
  ...imagesOf(sizes, (index, last) => index === last),
  { label: 'memory', subject: { type: 'file', file: 'memory' }, bytesExpected: sizes.memoryFileBytes },
  { label: 'configuration', subject: { type: 'file', file: 'configuration' }, bytesExpected: 0 },
];

const imagesOf = (sizes: Sizes, wanted: (index: number, last: number) => boolean): Pulled[] =>
  sizes.disks.flatMap((disk) =>
    disk.images.flatMap((image, index): Pulled[] => {
      if (!wanted(index, disk.images.length - 1)) return [];
      const label = `${disk.diskId}_${index}`;
      return [{ label, subject: { type: 'image', diskId: disk.diskId, index }, bytesExpected: image.allocatedBytes }];
    }),
  );

type VerifiedRun = Run<RunInput & { readonly request: { readonly policy: { readonly verify: 'changed' | 'all' } } }>;

/** Compares what a guest would read at both ends, in the scope that the policy names; of a round where one is given. */
export function* compareSides(run: VerifiedRun, round?: number): Durable<Step<Digests>> {
  const scope = { ...vmOf(run), scope: run.input.request.policy.verify, ...(round !== undefined && { round }) };
  const source = yield* at(run, 'source', 'digest-disks', { ...scope, side: 'source' });
  if (!source.ok) return source;
  const destination = yield* at(run, 'destination', 'digest-disks', { ...scope, side: 'destination' });
  return destination.ok ? compareDigests(source.value.disks, destination.value.disks) : destination;
}

type Digests = OperationOutput<'digest-disks'>['disks'];

/** Both ends must have the same disks, of which a guest reads the same. */
export function compareDigests(source: Digests, destination: Digests): Outcome<Digests> {
  for (const disk of source) {
    const { diskId } = disk;
    const other = destination.find((one) => one.diskId === diskId);
    if (other !== undefined && 'merkleRoot' in other !== 'merkleRoot' in disk) return incomparable(diskId);
    if (other !== undefined && sumOf(other) === sumOf(disk)) continue;
    const found = other === undefined ? 'no such disk' : sumOf(other);
    const message = `A guest would read other data from ${diskId} at the destination (${found}) than at the source (${sumOf(disk)}).`;
    return failed(failureOf('DigestMismatch', { message, subject: { diskId } }));
  }
  if (destination.length !== source.length) {
    return failed(
      failureOf('DigestMismatch', {
        message: `The destination has ${destination.length} disks, the source ${source.length}.`,
      }),
    );
  }
  return succeeded(destination);
}

function incomparable(diskId: DiskId): Outcome<never> {
  const message = `What a guest reads from ${diskId} cannot be compared: the agents of the two hosts are of versions that tell it differently.`;
  const remedy = 'Install the same version of the agent on both hosts, then start the migration again.';
  return failed(failureOf('DigestMismatch', { message, remedy, subject: { diskId } }));
}
