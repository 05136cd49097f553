import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import { diskId, vmId, type VmId } from '../../../contracts/ids';
import { isoTime, systemClock, type Clock } from '../../clock';
import type { ImageShape } from '../../disks/image';
import { createImage, formatOfName, type ImageFormat } from '../../disks/open-image';
import { exists, readJson, writeJsonAtomic } from '../files';
import { fillDisk } from './fill-disk';
import { makeDifferencingOn } from './images';
import { homeLayout } from '../home/layout';
import { layoutOf, livePath, mapHostPaths, mapVmPaths, storedPath } from './layout';
import { hostRecord, vmRecord, type GuestSettings, type VmCheckpointRecord, type VmRecord } from './records';
import { guidOf, seedOf } from './seeded';

const mib = 1024 ** 2;
const gib = 1024 ** 3;

export type DiskSpec = {
  /** VHDX by default. A VHD has sectors of 512 bytes, and is attached to VMs of generation 1. */
  readonly format?: ImageFormat;
  readonly kind?: 'dynamic' | 'fixed';
  readonly virtualSizeBytes: number;
  /** Seeded random data that the disk holds from the start, spread over it in runs of at most 64 MiB. */
  readonly dataBytes?: number;
  readonly blockSizeBytes?: number;
  readonly sectorSizeBytes?: 512 | 4096;
};

export type VmSpec = {
  readonly name: string;
  /** All ids and all data follow from it and the name. */
  readonly seed: number;
  readonly vmId?: VmId;
  readonly memoryBytes?: number;
  readonly processorCount?: number;
  readonly switchName?: string | null;
  readonly vlanId?: number;
  readonly configurationVersion?: string;
  readonly processorCompatibility?: boolean;
  /** What may stand in the way of a move; nothing by default. */
  readonly hardware?: Partial<VmRecord['hardware']>;
  /** A shared volume or a LUN of the host's fabric (its folder) in place of the host's first volume. */
  readonly root?: string;
  readonly disks: readonly DiskSpec[];
  /** VM checkpoints that a person made, oldest first. */
  readonly vmCheckpoints?: readonly string[];
  readonly guest?: Partial<Omit<GuestSettings, 'seed'>>;
  /** Whether it runs as soon as the host is opened. */
  readonly state?: 'running' | 'off';
  readonly clock?: Clock;
  /** Called while data is written. */
  readonly onProgress?: (progress: { readonly bytesDone: number; readonly bytesTotal: number }) => void;
};

/**
 * Registers a new VM on a host that nobody has open, with real disk files in `<first volume>/<vmId>`. The same spec makes the same bytes.
 * Failures: RequestInvalid when there is no host in the folder, DestinationOccupied when there is such a VM, those of createImage.
 */
export async function createVm(hostFolder: string, spec: VmSpec): Promise<Outcome<VmId>> {
  const given = layoutOf(hostFolder);
  const host = await readJson(given.hostFile, hostRecord);
  if (host.state !== 'read')
    return failed(failureOf('RequestInvalid', { message: `${hostFolder} holds no simulated host` }));
  const layout = layoutOf(await realpath(given.folder));
  const id = spec.vmId ?? vmId.parse(guidOf('vm', spec.name, String(spec.seed)));
  const root = spec.root ?? mapHostPaths(host.value, livePath(layout)).volumes[0]?.root ?? layout.folder;
  const home = join(await realpath(root), id);
  if ((await exists(layout.vmFile(id))) || (await exists(home)))
    return failed(failureOf('DestinationOccupied', { message: `A VM ${id} is on this host already` }));
  await mkdir(homeLayout(home).disks, { recursive: true });
  await mkdir(homeLayout(home).savedStates, { recursive: true });
  const record = await makeDisks(newRecord(id, home, spec), spec);
  if (!record.ok) return record;
  const layered = await takeUserVmCheckpoints(record.value, spec);
  if (!layered.ok) return layered;
  await writeJsonAtomic(layout.vmFile(id), mapVmPaths(layered.value, storedPath(layout)));
  return succeeded(id);
}

function newRecord(id: VmId, home: string, spec: VmSpec): VmRecord {
  const memoryBytes = spec.memoryBytes ?? 64 * mib;
  return {
    schema: 1,
    vmId: id,
    name: spec.name,
    generation: spec.disks.some(({ format }) => format === 'vhd') ? 1 : 2,
    configurationVersion: spec.configurationVersion ?? '10.0',
    processorCount: spec.processorCount ?? 2,
    memoryBytes,
    switchName: spec.switchName === undefined ? 'LAN' : spec.switchName,
    vlanId: spec.vlanId ?? null,
    processorCompatibility: spec.processorCompatibility ?? false,
    hardware: vmRecord.shape.hardware.parse(spec.hardware),
    guest: {
      seed: seedOf('guest', spec.name, spec.seed),
      writeBytesPerSecond: mib,
      workAreaBytes: 16 * mib,
      outskirtsBytes: 64 * mib,
      flushEveryMs: 1000,
      savedStateBytes: memoryBytes,
      ...spec.guest,
    },
    home,
    state: spec.state ?? 'running',
    savedState: null,
    disks: [],
    vmCheckpoints: [],
    referencePoints: [],
    shutDownBy: null,
    reservedBy: null,
    fencedBy: null,
    retiredBy: null,
    startedBy: null,
    stop: null,
    leaving: null,
    guestOutageMs: null,
    setAside: null,
  };
}

async function makeDisks(vm: VmRecord, spec: VmSpec): Promise<Outcome<VmRecord>> {
  const bytesTotal = spec.disks.reduce((sum, disk) => sum + (disk.dataBytes ?? 0), 0);
  let bytesDone = 0;
  const disks: VmRecord['disks'] = [];
  for (const [index, disk] of spec.disks.entries()) {
    const suffix = spec.disks.length === 1 ? '' : `-${index}`;
    const format = disk.format ?? 'vhdx';
    const path = join(homeLayout(vm.home).disks, `${spec.name}${suffix}.${format}`);
    const guid = (what: string) => guidOf('disk', what, spec.name, String(spec.seed), String(index));
    const image = await createImage(format, path, shapeOf(disk, guid('id'), guid('data')), {
      tables: 'ordered',
      dataWriteId: 'kept',
      newGuid: () => guid('file'),
      nowMs: nowOf(spec),
    });
    if (!image.ok) return image;
    await fillDisk(image.value, disk.dataBytes ?? 0, seedOf('data', spec.name, spec.seed, index), (written) => {
      bytesDone += written;
      spec.onProgress?.({ bytesDone, bytesTotal });
    });
    await image.value.close();
    disks.push({ diskId: diskId.parse(`scsi-0-${index}`), path });
  }
  return succeeded({ ...vm, disks });
}

const nowOf = (spec: VmSpec) => (): number => (spec.clock ?? systemClock).now();

function shapeOf(disk: DiskSpec, virtualDiskId: string, dataWriteId: string): ImageShape {
  const isVhd = disk.format === 'vhd';
  return {
    kind: disk.kind ?? 'dynamic',
    virtualSizeBytes: disk.virtualSizeBytes,
    blockSizeBytes: disk.blockSizeBytes ?? (disk.virtualSizeBytes >= gib && !isVhd ? 32 * mib : 2 * mib),
    logicalSectorSizeBytes: disk.sectorSizeBytes ?? 512,
    physicalSectorSizeBytes: isVhd ? 512 : 4096,
    virtualDiskId: isVhd ? dataWriteId : virtualDiskId,
    dataWriteId,
  };
}

async function takeUserVmCheckpoints(vm: VmRecord, spec: VmSpec): Promise<Outcome<VmRecord>> {
  let layered = vm;
  const createdAt = isoTime(nowOf(spec)());
  for (const [index, name] of (spec.vmCheckpoints ?? []).entries()) {
    const id = guidOf('vm-checkpoint', spec.name, String(spec.seed), String(index));
    const taken: VmCheckpointRecord = {
      id,
      name,
      runId: null,
      createdAt,
      frozen: layered.disks,
      stage: 'taken',
      layers: 1,
    };
    const disks: VmRecord['disks'] = [];
    for (const disk of layered.disks) {
      const guid = (what: string) => guidOf(what, id, disk.diskId);
      const extension = `a${formatOfName(disk.path) ?? 'vhdx'}`;
      const path = join(homeLayout(vm.home).disks, `${spec.name}_${guid('image')}.${extension}`);
      const made = await makeDifferencingOn(disk.path, path, { newGuid: () => guid('written'), nowMs: nowOf(spec) });
      if (!made.ok) return made;
      disks.push({ ...disk, path });
    }
    layered = { ...layered, disks, vmCheckpoints: [...layered.vmCheckpoints, taken] };
  }
  return succeeded(layered);
}
