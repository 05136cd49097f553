import { succeeded, type Outcome } from '../../../contracts/failure';
import type { RunId, VmId } from '../../../contracts/ids';
import type { PullSubject } from '../../../contracts/operations';
import { exists } from './files';
import { resolveOnHost, type SimulatedHost } from './host';
import { factsOfFiles } from './images';
import { homeLayout, pulledImagePath } from './layout';
import { placeBelow } from './operations/reserve-room';
import { placeholder, refuse, reservedVm } from './refusals';
import { volumeUse } from './volumes';
import { join } from 'node:path';
import type { VmRecord } from './records';

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
): Promise<Outcome<{ path: string }>> {
  const reserved = reservedVm(host, run, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  if (subject.type === 'image') return locateImage(host, run, vm, subject);
  if (subject.file === 'memory') {
    if (vm.state === 'saved' && vm.savedState?.runId === run) return checkedPath(host, vm.savedState.path);
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
  const isOfRun = vm.vmCheckpoints.some((taken) => taken.runId === run);
  if (!isOfRun) return refuse('VmStateWrong', vm.vmId, `VM ${vm.name} has no VM checkpoint of run ${run}.`);
  return succeeded({ path });
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
  const { path, name } = destinationOf(home, vmId, subject);
  const safe = await resolveOnHost(host, path);
  if (!safe.ok) return safe;
  return succeeded({ path: safe.value, journalPath: join(homeLayout(home).journals, `${name}.journal`) });
}

function destinationOf(home: string, vmId: VmId, subject: PullSubject): { path: string; name: string } {
  if (subject.type === 'image') {
    const { diskId, index } = subject;
    return { path: pulledImagePath(home, diskId, index), name: `${diskId}-${index}` };
  }
  const { pulledConfiguration, savedStateOf } = homeLayout(home);
  return { path: subject.file === 'memory' ? savedStateOf(vmId) : pulledConfiguration, name: subject.file };
}
