import { succeeded, type Outcome } from '../../../contracts/failure';
import type { RunId, VmId } from '../../../contracts/ids';
import type { PullSubject } from '../../../contracts/operations';
import type { ServedFile } from '../driver';
import { exists, makeFolder } from '../files';
import { resolveOnHost, type SimulatedHost } from './host';
import { factsOfFiles } from './images';
import { homeLayout, pulledPlace } from '../home/layout';
import { lastPointOf, pointOf, roundImagePath } from './operations/begin-round';
import { placeBelow } from './operations/reserve-room';
import { vmCheckpointOf } from './operations/take-vm-checkpoint';
import { refuse } from '../refuse';
import { placeholder, reservedVm } from './refusals';
import { volumeUse } from './volumes';
import { dirname, join } from 'node:path';
import type { VmRecord } from './records';
import { readRound } from '../home/rounds';

type ImageSubject = Extract<PullSubject, { type: 'image' }>;

/**
 * The file that the byte route may serve. An image is served while it stands still: below the VM checkpoint while the VM runs, the last
 * one too once it is saved.
 */
export async function locateForReading(
  host: SimulatedHost,
  run: RunId,
  vmId: VmId,
  subject: PullSubject,
): Promise<Outcome<ServedFile>> {
  const reserved = reservedVm(host, run, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  if (subject.type === 'image') return locateImage(host, run, vm, subject);
  if (subject.type === 'changes') return locateChanges(host, run, vm, subject);
  if (subject.type === 'ranges') return locateRanges(host, run, vm, subject);
  if (subject.file === 'memory') {
    const isKept = vm.savedState?.runId === run || vm.fencedBy === run;
    if (vm.state === 'saved' && vm.savedState !== null && isKept) return checkedPath(host, vm.savedState.path);
    return refuse('VmStateWrong', vmId, `VM ${vm.name} is ${vm.state}; this run has not saved it.`);
  }
  const path = host.layout.exportedFile(run, vmId);
  if (await exists(path)) return succeeded({ path });
  return refuse('NotFound', vmId, `The configuration of VM ${vm.name} was not exported by run ${run}.`);
}

async function locateImage(
  host: SimulatedHost,
  run: RunId,
  vm: VmRecord,
  { diskId, index }: ImageSubject,
): Promise<Outcome<{ path: string }>> {
  const merging = vm.vmCheckpoints.find((taken) => taken.stage === 'merging');
  if (merging !== undefined)
    return refuse('VmStateWrong', vm.vmId, `A VM checkpoint of VM ${vm.name} is being merged: its images change.`);
  const attached = vm.disks.find((disk) => disk.diskId === diskId);
  if (attached === undefined) return refuse('NotFound', vm.vmId, `VM ${vm.name} has no disk ${diskId}.`);
  const images = await imagePaths(host, vm, attached);
  if (!images.ok) return images;
  const path = images.value[index];
  if (path === undefined)
    return refuse('NotFound', vm.vmId, `Disk ${diskId} has ${images.value.length} images, none with index ${index}.`);
  if (vm.state === 'running' && index === images.value.length - 1)
    return refuse('VmStateWrong', vm.vmId, `VM ${vm.name} still writes image ${index} of ${diskId}.`);
  const isStill = vm.vmCheckpoints.some((taken) => taken.runId === run) || vm.fencedBy === run;
  if (!isStill) return refuse('VmStateWrong', vm.vmId, `VM ${vm.name} has no VM checkpoint of run ${run}.`);
  return succeeded({ path });
}

/** The image that a round reads, with what changed in it. It stands still until the round has ended. */
async function locateChanges(
  host: SimulatedHost,
  run: RunId,
  vm: VmRecord,
  { diskId, round }: Extract<PullSubject, { type: 'changes' }>,
): Promise<Outcome<ServedFile>> {
  const point = pointOf(vm, run, round);
  const attached = vm.disks.find((disk) => disk.diskId === diskId);
  const taken = vmCheckpointOf(vm, run);
  const isStill = vm.state !== 'running' || taken?.stage === 'taken';
  if (point === undefined || attached === undefined || !isStill || point !== lastPointOf(vm, run))
    return refuse('VmStateWrong', vm.vmId, `Round ${round} of disk ${diskId} of VM ${vm.name} is not under way.`);
  const record = await readRound(host.layout.roundFile(run, vm.vmId, round, diskId));
  if (!record.ok) return record;
  const path = await checkedPath(host, roundImagePath(vm, run, point, attached));
  if (!path.ok) return path;
  const { since, until, ranges } = record.value;
  return succeeded({ ...path.value, changes: { since, until, ranges } });
}

async function locateRanges(
  host: SimulatedHost,
  run: RunId,
  vm: VmRecord,
  { diskId, round }: Extract<PullSubject, { type: 'ranges' }>,
): Promise<Outcome<ServedFile>> {
  const path = host.layout.roundFile(run, vm.vmId, round, diskId);
  if (await exists(path)) return succeeded({ path });
  return refuse('NotFound', vm.vmId, `Round ${round} of disk ${diskId} of VM ${vm.name} is not known.`);
}

async function imagePaths(
  host: SimulatedHost,
  vm: VmRecord,
  attached: VmRecord['disks'][number],
): Promise<Outcome<string[]>> {
  const guest = vm.state === 'running' ? host.guests.get(vm.vmId) : undefined;
  const open = guest?.currentDisks.find((one) => one.diskId === attached.diskId);
  if (open !== undefined) return succeeded(open.disk.images.map((image) => image.path));
  const facts = await factsOfFiles(host, [attached]);
  return facts.ok ? succeeded(facts.value.flatMap((disk) => disk.images.map((image) => image.path))) : facts;
}

async function checkedPath(host: SimulatedHost, path: string): Promise<Outcome<{ path: string }>> {
  const resolved = await resolveOnHost(host, path);
  return resolved.ok ? succeeded({ path: resolved.value }) : resolved;
}

/** Where the byte route writes for a placeholder. A volume that is full is said here, before a byte is asked for. */
export async function locateForWriting(
  host: SimulatedHost,
  run: RunId,
  vmId: VmId,
  folder: string,
  subject: PullSubject,
): Promise<Outcome<{ path: string; journalPath: string }>> {
  const planned = placeholder(host, run, vmId);
  if (!planned.ok) return planned;
  const place = await placeBelow(host, folder, vmId);
  if (!place.ok) return place;
  const { home, volume } = place.value;
  if (planned.value.home !== home)
    return refuse('VmStateWrong', vmId, `The placeholder is in ${planned.value.home}, not in ${folder}.`);
  if (planned.value.imported !== null)
    return refuse(
      'VmStateWrong',
      vmId,
      `The placeholder of VM ${vmId} has its configuration: nothing is copied to it any more.`,
    );
  const use = await volumeUse(volume, host.state);
  if (use.freeBytes === 0) return refuse('DiskFull', vmId, `${volume.root} is full.`);
  const { path, name } = pulledPlace(home, vmId, subject);
  const safe = await resolveOnHost(host, path);
  if (!safe.ok) return safe;
  if (subject.type === 'ranges') await makeFolder(dirname(safe.value));
  return succeeded({ path: safe.value, journalPath: join(homeLayout(home).journals, `${name}.journal`) });
}
