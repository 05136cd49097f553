import type { Outcome } from '../../../../contracts/failure';
import { known, notKnown, type Fact, type InspectedDisk, type VmInspection } from '../../../../contracts/inspection';
import { macAddress } from '../../../../contracts/inspection/host';
import { formatOfName } from '../../../disks/open-image';
import type { InspectedHost, InspectedVm, ToldValue } from '../calls/inspection';
import type { VmValue } from '../calls/vm';
import { diskIdOf, disksOf, isSettled, memoryBytesOf, stateOf, underWayOf, vmFactsOf } from '../facts';
import { marksIn } from '../marks';
import { classify } from '../worker/classify';
import { processorOf } from './host';
import { volumeOf } from './storage';
import { both, factOf } from './told';

export type VmLooks = {
  readonly vm: VmValue;
  readonly all: Outcome<readonly VmValue[]>;
  readonly inspected: Outcome<InspectedVm>;
  readonly host: Outcome<InspectedHost>;
  readonly volumes: Fact<readonly { root: string; freeBytes: number; reservedBytes: number }[]>;
  readonly run: string | null;
};

/** What a registered VM is, and what the hypervisor and runs other than `run` do with it. */
export function inspectVm(looks: VmLooks): VmInspection {
  const { vm, inspected, run } = looks;
  const { reservedBy, fencedBy, retiredBy } = marksIn(vm.notes);
  const ofAnother = (mark: string | null) => (mark === run ? null : mark);
  const of =
    <K extends keyof InspectedVm>(name: K) =>
    (read: InspectedVm) =>
      read[name];
  return {
    name: known(vm.name),
    state: isSettled(vm) ? known(stateOf(vm)) : notKnown(`it is ${vm.state}`),
    configurationVersion: known(vm.version),
    processorCount: known(vm.processorCount),
    memoryBytes: known(memoryBytesOf(vm)),
    // Saving writes at most what is assigned.
    savedStateBytes: known(Math.max(vm.runtimeStateBytes, memoryBytesOf(vm))),
    marks: known({ reservedBy: ofAnother(reservedBy), fencedBy: ofAnother(fencedBy), retiredBy: ofAnother(retiredBy) }),
    underWay: known(underWayOf(vm)),
    vmCheckpoints: factOf(inspected, of('checkpoints'), (taken) => known(taken.map((one) => checkpointOf(one, vm)))),
    isReplicated: factOf(inspected, of('isReplicated'), known),
    ...disksAndDamage(vm, inspected),
    fileBytes: known(filesOf(vm).reduce((sum, { fileSizeBytes }) => sum + fileSizeBytes, vm.runtimeStateBytes)),
    volume: ownVolumeOf(looks),
    filesUsedBy: usersOf(looks),
    media: factOf(inspected, of('media'), known),
    network: factOf(inspected, of('network'), (read) => networkOf(read, vm.switchName)),
    processor: both(
      factOf(inspected, of('processor'), processorOf),
      factOf(inspected, of('compatibilityMode'), known),
      (processor, compatibilityMode) => ({ ...processor, compatibilityMode }),
    ),
    security: factOf(inspected, of('security'), known),
    assignedDevices: factOf(inspected, of('assignedDevices'), known),
    runsNestedVms: factOf(inspected, of('runsNestedVms'), known),
    role: factOf(inspected, of('role'), known),
    roleResources: factOf(inspected, of('roleResources'), known),
    storage: volumeOf(looks),
    integration: factOf(inspected, of('integration'), known),
    heartbeat: known(vmFactsOf(vm).heartbeat),
    automaticStart: factOf(inspected, of('automaticStart'), (action) => known(automaticStarts[action])),
    changedBytesPerSecond:
      stateOf(vm) === 'running' ? notKnown('it is not measured by the PowerShell driver yet') : known(0),
  };
}

const automaticStarts = { Nothing: 'nothing', StartIfRunning: 'start-if-running', Start: 'start' } as const;

export const filesOf = (vm: VmValue) => vm.disks.flatMap(({ images }) => images);

function checkpointOf({ id, name, state, paths }: ToldValue<InspectedVm['checkpoints']>[number], vm: VmValue) {
  const own = new Set(filesOf(vm).map(({ path }) => path.toLowerCase()));
  return { id, name, isAside: paths.some((path) => !own.has(path.toLowerCase())), hasMemory: state !== 'Off' };
}

function disksAndDamage(vm: VmValue, inspected: Outcome<InspectedVm>): Pick<VmInspection, 'disks' | 'damage'> {
  const damage = vm.disks.flatMap((disk) => {
    if (disk.error === null) return [];
    const { code, message } = classify(disk.error, false);
    return [{ diskId: diskIdOf(disk) ?? disk.path, code, message }];
  });
  const shared = factOf(inspected, (read) => read.sharedDisks, known);
  const physical = factOf(inspected, (read) => read.passThroughDisks, known);
  const sectors = factOf(inspected, (read) => read.sectors, known);
  const disks = both(
    both(shared, physical, (one, other) => [one, other] as const),
    sectors,
    ([one, other], sizes) => {
      const isShared = (id: string) => one.some((slot) => diskIdOf(slot) === id);
      const sectorOf = (path: string) => sizes.find((size) => size.path === path)?.physicalSectorBytes ?? 512;
      const files = disksOf(vm).map((disk): InspectedDisk => ({
        ...disk,
        attachment: 'file',
        isShared: isShared(disk.diskId),
        format: formatOf(disk.path),
        physicalSectorBytes: sectorOf(disk.path),
        images: disk.images.map(({ path, kind, fileSizeBytes, allocatedBytes }) => ({
          path,
          kind,
          fileSizeBytes,
          allocatedBytes,
        })),
      }));
      return [...files, ...other.flatMap(passThrough)];
    },
  );
  return { disks, damage: known(damage) };
}

const formatOf = (path: string): InspectedDisk['format'] =>
  path.toLowerCase().endsWith('.vhds') ? 'vhd-set' : (formatOfName(path) ?? 'raw');

function passThrough(slot: ToldValue<InspectedVm['passThroughDisks']>[number]): InspectedDisk[] {
  const id = diskIdOf(slot);
  if (id === undefined) return [];
  return [
    {
      diskId: id,
      path: slot.path,
      attachment: 'pass-through',
      isShared: false,
      format: 'raw',
      virtualSizeBytes: 0,
      physicalSectorBytes: 4096,
      images: [],
    },
  ];
}

function ownVolumeOf({ vm, volumes }: VmLooks): VmInspection['volume'] {
  if (!volumes.known) return volumes;
  const path = vm.configurationPath.toLowerCase();
  const found = volumes.value.find(({ root }) => path.startsWith(root.toLowerCase()));
  return found === undefined
    ? notKnown(`${vm.configurationPath} is below none of the folders of the configuration`)
    : known({ root: found.root, freeBytes: found.freeBytes, reservedBytes: found.reservedBytes });
}

function usersOf({ vm, all }: VmLooks): VmInspection['filesUsedBy'] {
  if (!all.ok) return notKnown(`${all.failure.code}: ${all.failure.message}`);
  const own = new Set(filesOf(vm).map(({ path }) => path.toLowerCase()));
  const others = all.value.filter(({ id }) => id !== vm.id);
  return known(
    others.filter((other) => filesOf(other).some(({ path }) => own.has(path.toLowerCase()))).map(({ name }) => name),
  );
}

/** An adapter that is in no VLAN is untagged; one that carries several has none of its own. */
function networkOf(read: ToldValue<InspectedVm['network']>, switchName: string | null): VmInspection['network'] {
  if (read === null) return known({ switchName, vlanId: null, macAddress: null, isMacDynamic: true });
  const { vlanMode, vlanId, isMacDynamic } = read;
  if (vlanMode !== 'Untagged' && vlanMode !== 'Access') return notKnown(`its adapter is in VLAN mode ${vlanMode}`);
  const parsed = macAddress.safeParse(read.macAddress.toUpperCase());
  const given = parsed.success && parsed.data !== '000000000000' ? parsed.data : null;
  return known({ switchName, vlanId: vlanMode === 'Access' ? vlanId : null, macAddress: given, isMacDynamic });
}
