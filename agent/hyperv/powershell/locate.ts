import { dirname, join } from 'node:path';
import { succeeded, type Outcome } from '../../../contracts/failure';
import type { RunId, VmId } from '../../../contracts/ids';
import type { PullSubject } from '../../../contracts/operations';
import type { ServedFile } from '../driver';
import { exists, makeFolder } from '../files';
import { homeLayout, pulledPlace } from '../home/layout';
import { readRound } from '../home/rounds';
import { refuse } from '../refuse';
import { disksOf, isMerging, stateOf } from './facts';
import { checkpointNameOf, checkpointsOf } from './checkpoints';
import { reservedVm, type RealHost } from './host';
import { marksIn } from './marks';
import type { VmValue } from './calls/vm';
import { exportedStatePath, packagePath } from './configuration-package';
import { placeholderOf, rootOf } from './placing';
import { lastPoint, type RoundNotes } from './round-notes';

/**
 * The file that the byte route may serve. An image is served while it stands still: below the VM checkpoint while the VM runs, the last
 * one too once it is saved.
 */
export async function locateForReading(
  host: RealHost,
  run: RunId,
  vmId: VmId,
  subject: PullSubject,
): Promise<Outcome<ServedFile>> {
  const reserved = await reservedVm(host, run, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  switch (subject.type) {
    case 'image':
      return locateImage(host, run, vm, subject);
    case 'file':
      return subject.file === 'memory' ? locateMemory(host, run, vm) : locateConfiguration(host, run, vm);
    case 'changes':
      return locateChanges(host, run, vm, subject);
    case 'ranges':
      return locateRanges(host, run, vm, subject);
  }
}

async function locateImage(
  host: RealHost,
  run: RunId,
  vm: VmValue,
  { diskId, index }: Extract<PullSubject, { type: 'image' }>,
): Promise<Outcome<ServedFile>> {
  const noted = await host.runs.read(run, vm.id);
  if (!noted.ok) return noted;
  if (isMerging(vm)) return refuse('VmStateWrong', vm.id, `VM ${vm.name} merges its disks: its images change.`);
  const disk = disksOf(vm).find((one) => one.diskId === diskId);
  if (disk === undefined) return refuse('NotFound', vm.id, `VM ${vm.name} has no disk ${diskId}.`);
  const image = disk.images[index];
  if (image === undefined)
    return refuse('NotFound', vm.id, `Disk ${diskId} has ${disk.images.length} images, none with index ${index}.`);
  if (stateOf(vm) === 'running' && index === disk.images.length - 1)
    return refuse('VmStateWrong', vm.id, `VM ${vm.name} still writes image ${index} of ${diskId}.`);
  const isStill = checkpointsOf(vm, run, noted.value.rounds).length > 0 || marksIn(vm.notes).fencedBy === run;
  if (!isStill) return refuse('VmStateWrong', vm.id, `VM ${vm.name} has no VM checkpoint of run ${run}.`);
  return succeeded({ path: image.path });
}

/** The image that a round reads, with what changed in it. It stands still until the round has ended. */
async function locateChanges(
  host: RealHost,
  run: RunId,
  vm: VmValue,
  { diskId, round }: Extract<PullSubject, { type: 'changes' }>,
): Promise<Outcome<ServedFile>> {
  const noted = await host.runs.read(run, vm.id);
  if (!noted.ok) return noted;
  const { rounds } = noted.value;
  const point = lastPoint(rounds);
  const imagePath = point?.disks.find((one) => one.diskId === diskId)?.imagePath;
  if (point?.round !== round || imagePath === undefined || !isRoundStill(vm, run, rounds, round))
    return refuse('VmStateWrong', vm.id, `Round ${round} of disk ${diskId} of VM ${vm.name} is not under way.`);
  const record = await readRound(host.runs.roundFile(run, vm.id, round, diskId));
  if (!record.ok) return record;
  const { since, until, ranges } = record.value;
  return succeeded({ path: imagePath, changes: { since, until, ranges } });
}

function isRoundStill(vm: VmValue, run: RunId, rounds: RoundNotes | null, round: number): boolean {
  if (stateOf(vm) !== 'running') return !isMerging(vm);
  const own = checkpointsOf(vm, run, rounds);
  return rounds?.tracking === 'change-tracking'
    ? rounds.held?.round === round && own.some(({ id }) => id === rounds.held?.checkpointId)
    : own.some(({ name }) => name === checkpointNameOf(run, round));
}

async function locateRanges(
  host: RealHost,
  run: RunId,
  vm: VmValue,
  { diskId, round }: Extract<PullSubject, { type: 'ranges' }>,
): Promise<Outcome<ServedFile>> {
  const path = host.runs.roundFile(run, vm.id, round, diskId);
  return (await exists(path))
    ? succeeded({ path })
    : refuse('NotFound', vm.id, `Round ${round} of disk ${diskId} of VM ${vm.name} is not known.`);
}

/** The memory as it was exported with the configuration, or as Hyper-V saved it. */
async function locateMemory(host: RealHost, run: RunId, vm: VmValue): Promise<Outcome<ServedFile>> {
  const noted = await host.runs.read(run, vm.id);
  if (!noted.ok) return noted;
  const { stop, exported } = noted.value;
  if (stateOf(vm) !== 'saved' || stop?.how !== 'saved' || stop.resumedAt !== null)
    return refuse('VmStateWrong', vm.id, `VM ${vm.name} is ${stateOf(vm)}; this run has not saved it.`);
  const copy = exported === null ? undefined : exportedStatePath(exported, vm.id);
  return succeeded({ path: copy !== undefined && (await exists(copy)) ? copy : vm.runtimeStatePath });
}

async function locateConfiguration(host: RealHost, run: RunId, vm: VmValue): Promise<Outcome<ServedFile>> {
  const noted = await host.runs.read(run, vm.id);
  if (!noted.ok) return noted;
  const { exported } = noted.value;
  const path = exported === null ? undefined : packagePath(exported);
  return path !== undefined && (await exists(path))
    ? succeeded({ path })
    : refuse('NotFound', vm.id, `The configuration of VM ${vm.name} was not exported by run ${run}.`);
}

/** Where the byte route writes for a placeholder. A volume that is full is said here, before a byte is asked for. */
export async function locateForWriting(
  host: RealHost,
  run: RunId,
  vmId: VmId,
  folder: string,
  subject: PullSubject,
): Promise<Outcome<{ path: string; journalPath: string }>> {
  const note = await placeholderOf(host, run, vmId, folder);
  if (!note.ok) return note;
  const { home, imported } = note.value.placed;
  if (imported !== null)
    return refuse(
      'VmStateWrong',
      vmId,
      `The placeholder of VM ${vmId} has its configuration: nothing is copied to it any more.`,
    );
  const facts = await host.client.call('read-host', { Roots: [rootOf(host, home)] }, { vmId });
  if (!facts.ok) return facts;
  const [volume] = facts.value.volumes;
  if (volume === undefined || volume.error !== null || volume.freeBytes === 0)
    return refuse('DiskFull', vmId, `The volume of ${home} is full, or does not answer.`);
  const { path, name } = pulledPlace(home, vmId, subject);
  if (subject.type === 'ranges') await makeFolder(dirname(path));
  return succeeded({ path, journalPath: join(homeLayout(home).journals, `${name}.journal`) });
}
