import { failed, failureOf, succeeded, type Outcome } from '../../../../contracts/failure';
import { openImage } from '../../../disks/open-image';
import { coalesced, type Range } from '../../home/ranges';
import { saveRound } from '../../home/rounds';
import type { VmValue } from '../calls/vm';
import type { RealHost } from '../host';
import { lastPoint, type RoundNotes, type RoundPoint } from '../round-notes';
import type { RunFile } from '../run-files';
import { classify } from '../worker/classify';
import { stillImagesOf, type StillImage } from './still-images';

type PointDisk = RoundPoint['disks'][number];

/** What of a disk counts as changed since the point before; undefined where nobody knows, so that all of it does. */
type Changed = readonly Range[] | undefined;

/**
 * The disks of the point that a round ends at, with what changed up to it written down: what the tracking answers grows while the guest
 * goes on, and a transfer that is resumed must find the same. Round 0 has no changes.
 */
export async function pointDisksOf(
  host: RealHost,
  { runId }: RunFile,
  vm: VmValue,
  notes: RoundNotes,
  round: number,
): Promise<Outcome<PointDisk[]>> {
  const before = lastPoint(notes);
  const still = stillImagesOf(vm, runId, notes, round);
  if (!still.ok) return still;
  const changes = before === undefined ? succeeded([]) : await changesOf(host, vm, notes, before, still.value);
  if (!changes.ok) return changes;
  const found: PointDisk[] = [];
  for (const [at, { disk, imagePath, depth }] of still.value.entries()) {
    const { diskId, virtualSizeBytes } = disk;
    const since = before?.disks.find((one) => one.diskId === diskId);
    const content = since === undefined ? await dataWriteIdOf(imagePath) : succeeded(host.newGuid());
    if (!content.ok) return content;
    // A point that Hyper-V keeps none of is as good as the one before: the changes since that are no fewer.
    found.push({ diskId, imagePath, depth, trackingId: since?.trackingId ?? null, contentId: content.value });
    if (since === undefined) continue;
    const ranges = changes.value[at];
    await saveRound(host.runs.roundFile(runId, vm.id, round, diskId), {
      schema: 1,
      since: { trackingId: since.trackingId, contentId: since.contentId },
      until: { trackingId: null, contentId: content.value },
      whole: ranges === undefined,
      ranges: (ranges ?? [[0, virtualSizeBytes] as const]).map(([offset, length]): [number, number] => [
        offset,
        length,
      ]),
    });
  }
  return succeeded(found);
}

async function dataWriteIdOf(path: string): Promise<Outcome<string>> {
  const image = await openImage(path, { access: 'read' });
  if (!image.ok) return image;
  await image.value.close();
  return succeeded(image.value.shape.dataWriteId);
}

async function changesOf(
  host: RealHost,
  vm: VmValue,
  { tracking }: RoundNotes,
  before: RoundPoint,
  disks: readonly StillImage[],
): Promise<Outcome<Changed[]>> {
  if (tracking === 'change-tracking') return trackedChanges(host, vm, before, disks);
  const found: Changed[] = [];
  for (const { imagePath } of disks) {
    const held = await heldBy(imagePath);
    if (!held.ok) return held;
    found.push(held.value);
  }
  return succeeded(found);
}

/** All that a differencing disk holds was written since it was made. */
async function heldBy(path: string): Promise<Outcome<Range[]>> {
  const image = await openImage(path, { access: 'read' });
  if (!image.ok) return image;
  const held = [...image.value.extents()].map((extent): Range => [extent.offsetBytes, extent.lengthBytes]);
  await image.value.close();
  return succeeded(coalesced(held, image.value.shape.virtualSizeBytes));
}

/**
 * Asks Hyper-V what changed on files since a point, in one round trip. A disk whose point it does not know, or does not answer for, is
 * undefined: then all of it counts. HyperVSilent where nobody answered at all.
 */
export async function trackedChanges(
  host: RealHost,
  vm: VmValue,
  since: RoundPoint,
  disks: readonly Pick<StillImage, 'disk' | 'imagePath'>[],
): Promise<Outcome<Changed[]>> {
  const idOf = (diskId: string) => since.disks.find((one) => one.diskId === diskId)?.trackingId ?? null;
  const asked = disks.flatMap(({ disk, imagePath }) => {
    const trackingId = idOf(disk.diskId);
    return trackingId === null ? [] : [{ diskId: disk.diskId, imagePath, trackingId }];
  });
  if (asked.length === 0) return succeeded(disks.map(() => undefined));
  const Paths = asked.map(({ imagePath }) => imagePath);
  const TrackingIds = asked.map(({ trackingId }) => trackingId);
  const read = await host.client.call('read-changes', { VmId: vm.id, Paths, TrackingIds }, { vmId: vm.id });
  if (!read.ok) return read;
  const { changes } = read.value;
  if (changes.length !== asked.length)
    return failed(
      failureOf('HyperVSilent', { message: `Hyper-V told of ${changes.length} disks, not of ${asked.length}.` }),
    );
  return succeeded(
    disks.map(({ disk }): Changed => {
      const told = changes[asked.findIndex(({ diskId }) => diskId === disk.diskId)];
      if (told === undefined) return undefined;
      if (!told.known) {
        host.log(
          `what changed of ${disk.diskId} of VM ${vm.name} is not known: ${classify(told.error, false).message}`,
        );
        return undefined;
      }
      return coalesced(ascending(told.value), disk.virtualSizeBytes);
    }),
  );
}

const ascending = (ranges: readonly Range[]): Range[] =>
  ranges.filter(([, length]) => length > 0).sort(([one], [other]) => one - other);
