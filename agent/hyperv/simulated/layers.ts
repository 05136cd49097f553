import type { RunId } from '../../../contracts/ids';
import { differencingPath } from './images';
import type { VmCheckpointRecord, VmRecord } from './records';

/** One disk under the VM checkpoint of a run. `merge` is what the guest writes while `children` are merged into `frozen`. */
export type Layers = {
  readonly diskId: VmRecord['disks'][number]['diskId'];
  readonly frozen: string;
  /** Oldest first; the guest writes the last. */
  readonly children: readonly string[];
  readonly merge: string;
};

/** The `number`th differencing disk on top of a frozen image, counted from 1. */
export const layerPath = (frozen: string, run: RunId, vm: VmRecord, diskId: string, number: number): string =>
  differencingPath(frozen, run, vm.vmId, diskId, number === 1 ? 'vm-checkpoint' : `layer-${number}`);

export const layersOf = (vm: VmRecord, run: RunId, taken: VmCheckpointRecord): Layers[] =>
  taken.frozen.map(({ diskId, path }) => ({
    diskId,
    frozen: path,
    children: Array.from({ length: taken.layers }, (_, index) => layerPath(path, run, vm, diskId, index + 1)),
    merge: differencingPath(path, run, vm.vmId, diskId, 'merge'),
  }));

/** A layer that was being made when the host failed: nothing is attached to it. */
export const unfinishedLayer = (
  vm: VmRecord,
  run: RunId,
  taken: VmCheckpointRecord,
  { diskId, frozen }: Layers,
): string => layerPath(frozen, run, vm, diskId, taken.layers + 1);
