import type { VmSpec } from '../../../agent/hyperv/simulated';

const kib = 1024;
const mib = 1024 * kib;

/** Where the files of a VM are at first: on its host, on the shared volume of the cluster, on a LUN of its own, or in an export. */
export type VmPlace = 'own' | 'shared' | 'lun' | 'exported';

/** A guest that does little, so that most of a seed's time goes to what is tested. */
const guest = {
  workAreaBytes: 256 * kib,
  outskirtsBytes: 512 * kib,
  flushEveryMs: 5_000,
  writeBytesPerSecond: 6 * kib,
};
const disk = { virtualSizeBytes: 8 * mib, blockSizeBytes: mib, dataBytes: 2 * mib } as const;

type Spec = Omit<VmSpec, 'disks'> & {
  readonly memoryBytes: number;
  readonly disks: readonly (VmSpec['disks'][number] & { readonly dataBytes: number })[];
};
export type SimulatedVm = { readonly place: VmPlace; readonly spec: Spec };

/** The VMs that a simulated site is made of. Each is used once in a seed. */
const simulatedVms: readonly SimulatedVm[] = [
  // The first, since its host is opened to export it, while no other VM is there to run.
  { place: 'exported', spec: { name: 'exported', seed: 19, memoryBytes: mib / 4, disks: [disk], guest, state: 'off' } },
  { place: 'own', spec: { name: 'one-disk', seed: 11, memoryBytes: mib, disks: [disk], guest } },
  {
    place: 'own',
    spec: {
      name: 'two-disks',
      seed: 12,
      memoryBytes: mib / 2,
      disks: [disk, { ...disk, dataBytes: mib, format: 'vhd' }],
      guest,
    },
  },
  {
    place: 'own',
    spec: { name: 'checkpointed', seed: 13, memoryBytes: mib / 2, disks: [disk], vmCheckpoints: ['before'], guest },
  },
  {
    place: 'own',
    spec: {
      name: 'four-kib-sectors',
      seed: 14,
      memoryBytes: mib / 4,
      disks: [{ ...disk, sectorSizeBytes: 4096 }],
      guest,
    },
  },
  { place: 'shared', spec: { name: 'shared-one', seed: 15, memoryBytes: mib / 2, disks: [disk], guest } },
  { place: 'shared', spec: { name: 'shared-two', seed: 16, memoryBytes: mib, disks: [disk], guest } },
  { place: 'lun', spec: { name: 'lun-one', seed: 17, memoryBytes: mib / 2, disks: [disk], guest } },
  { place: 'lun', spec: { name: 'lun-two', seed: 18, memoryBytes: mib / 4, disks: [disk, disk], guest } },
];

/** How much there is to move: little, for what goes wrong; more, for moves that take as long as to be foretold. */
export type Size = 'small' | 'large';

/** The VMs of a site, of this size. */
export const vmsOf = (size: Size): readonly SimulatedVm[] =>
  size === 'small' ? simulatedVms : simulatedVms.map(({ place, spec }) => ({ place, spec: grown(spec) }));

const grown = (spec: Spec): Spec => ({
  ...spec,
  memoryBytes: 16 * spec.memoryBytes,
  disks: spec.disks.map((one) => ({
    ...one,
    virtualSizeBytes: 8 * one.virtualSizeBytes,
    dataBytes: 12 * one.dataBytes,
  })),
});

export const lunNameOf = ({ spec }: SimulatedVm): string => `lun-of-${spec.name}`;
