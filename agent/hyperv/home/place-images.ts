import { rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { failed, succeeded, type Outcome } from '../../../contracts/failure';
import type { DiskId, VmId } from '../../../contracts/ids';
import type { DiskFormatWanted } from '../../../contracts/migration';
import { formatOfName } from '../../disks/open-image';
import { relinkParent } from '../../disks/relink-parent';
import { syncFolder } from '../../files';
import { exists } from '../files';
import { refuse } from '../refuse';
import { homeLayout, pulledImagePath } from './layout';
import type { Workshop } from './work';

/** The images of a disk, base first, by the names that they had at the source. */
type NamedDisk = { readonly diskId: DiskId; readonly imageNames: readonly string[] };
/** Disks, and the format that their copies were given, where it is not that of the source. */
type NamedDisks = { readonly disks: readonly NamedDisk[]; readonly convertTo?: DiskFormatWanted };
export type PlacedDisk = { readonly diskId: DiskId; readonly paths: readonly string[] };

/** The run's differencing disk of a disk: the last image, if anything is below it. */
export function differencingOf({ diskId, paths }: PlacedDisk) {
  const [parentPath, childPath] = [paths.at(-2), paths.at(-1)];
  return parentPath === undefined || childPath === undefined
    ? []
    : [{ diskId, parentPath, childPath, mergedBytes: null }];
}

/**
 * Why disks cannot be converted under a VM, in words: a guest that goes on from its memory knows the disks as they were, and VM checkpoints
 * name files that are not there any more. Undefined where nothing stands against it.
 */
export function whyNotConverted(
  { disks, convertTo }: NamedDisks,
  vm: { readonly hasMemory: boolean; readonly hasVmCheckpoints: boolean },
): string | undefined {
  const isConverted = disks.some(({ imageNames }) => imageNames.some((name) => formatOfName(name) === 'vhd'));
  if (convertTo === undefined || !isConverted) return undefined;
  if (vm.hasMemory) return 'it arrives with its memory, and its guest knows the disks as they were';
  return vm.hasVmCheckpoints ? 'it has VM checkpoints, which name the disks as they were' : undefined;
}

/** `disk.vhd` is `disk.vhdx`, `child.avhd` is `child.avhdx`; other names stay. */
const namedAsVhdx = (name: string): string => (formatOfName(name) === 'vhd' ? `${name}x` : name);

/** Names follow from the configuration alone, so that a repeat after a crash finds what is renamed already. */
function finalNames({ disks, convertTo }: NamedDisks): ReadonlyMap<string, string> {
  const taken = new Set<string>();
  const names = new Map<string, string>();
  for (const { diskId, imageNames } of disks) {
    for (const [index, imageName] of imageNames.entries()) {
      const before = basename(imageName.replaceAll('\\', '/'));
      const plain = convertTo === undefined ? before : namedAsVhdx(before);
      const usable =
        /^[^\p{Cc}<>:"/\\|?*.][^\p{Cc}<>:"/\\|?*]{0,200}\.a?vhdx?$/iu.test(plain) && !taken.has(plain.toLowerCase());
      const extension = `${index === 0 ? '' : 'a'}${formatOfName(plain) ?? 'vhdx'}`;
      const name = usable ? plain : `${diskId}-${index}.${extension}`;
      taken.add(name.toLowerCase());
      names.set(`${diskId}/${index}`, name);
    }
  }
  return names;
}

/**
 * Gives the copied images their names and lets each find its parent beside it. Nothing is renamed before all of them are there.
 * `named` is told between the two.
 */
export async function placeImages(
  { newGuid }: Pick<Workshop, 'newGuid'>,
  { home, vmId }: { readonly home: string; readonly vmId: VmId },
  images: NamedDisks,
  named: () => Promise<void> = () => Promise.resolve(),
): Promise<Outcome<PlacedDisk[]>> {
  const { disks } = images;
  const names = finalNames(images);
  const moves = disks.map(({ diskId, imageNames }) => ({
    diskId,
    images: imageNames.map((_, index) => ({
      pulled: pulledImagePath(home, diskId, index),
      final: join(homeLayout(home).disks, names.get(`${diskId}/${index}`) ?? ''),
    })),
  }));
  for (const { diskId, images } of moves)
    for (const [index, { pulled, final }] of images.entries())
      if (!(await exists(pulled)) && !(await exists(final)))
        return refuse('VmStateWrong', vmId, `Image ${index} of ${diskId} was not copied yet.`);
  for (const { images } of moves)
    for (const { pulled, final } of images) if (await exists(pulled)) await rename(pulled, final);
  await syncFolder(homeLayout(home).disks);
  await named();
  for (const { images } of moves) {
    for (const [index, { final }] of images.entries()) {
      const below = images[index - 1]?.final;
      const linked =
        below === undefined ? succeeded(undefined) : await relinkParent(final, basename(below), { newGuid });
      if (!linked.ok) return failed({ ...linked.failure, effect: 'applied' });
    }
  }
  return succeeded(moves.map(({ diskId, images }) => ({ diskId, paths: images.map((image) => image.final) })));
}
