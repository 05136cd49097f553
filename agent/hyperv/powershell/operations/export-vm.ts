import { open } from 'node:fs/promises';
import { failed, failureOf, succeeded, type Outcome } from '../../../../contracts/failure';
import type { OperationInput, OperationOutput, OperationProgress } from '../../../../contracts/operations';
import { hadEffect } from '../../afterwards';
import type { DriverContext } from '../../driver';
import { exists, filesBelow, makeFolder, removeDurably } from '../../files';
import { exportLayout, publishedFolder, unpublishedFolder } from '../../home/export-folder';
import { refuse } from '../../refuse';
import { exportedVmIds, isDiskFile } from '../exported-files';
import type { VmValue } from '../calls/vm';
import { disksOf, underWayOf } from '../facts';
import { runOfCheckpoint } from '../checkpoints';
import { reservedVm, type Handler, type RealHost } from '../host';
import { awaitJob } from '../jobs';
import { resolveFolder } from '../placing';
import type { Exporting, RunFile } from '../run-files';

type Input = OperationInput<'export-vm'>;
type Written = OperationOutput<'export-vm'>;

/**
 * Hyper-V writes the export as a job, which goes on whatever becomes of this agent: where it is written, and which job writes it, is noted,
 * so that a repeat follows the job that is there. One of which nobody knows how it ended is removed and begun anew.
 */
export const exportVm: Handler<'export-vm'> = async (host, context, input) => {
  const { vmId, folder, part } = input;
  const reserved = await reservedVm(host, context.runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  const place = await resolveFolder(host, folder);
  if (!place.ok) return place;
  const noted = await host.runs.read(context.runId, vmId);
  if (!noted.ok) return noted;
  const published = publishedFolder(place.value, vm.name);
  const target = unpublishedFolder(place.value, vm.name, context.runId);
  if (await exists(published)) return refuse('DestinationOccupied', vmId, `${published} is there already.`);
  const before = noted.value.exporting?.folder === target ? noted.value.exporting : null;
  if (before?.isWritten === true && (await exists(target))) return succeeded(await told(target));
  const ready = checkReady(vm, context, input, before);
  if (!ready.ok) return ready;
  const note = { ...noted.value, exporting: before ?? { folder: target, published, jobId: null, isWritten: false } };
  const ended = before === null ? succeeded(false) : await followed(host, context, note, vm);
  if (!ended.ok) return ended;
  const written = ended.value ? succeeded(undefined) : await write(host, context, note, vm, input);
  if (!written.ok) return written;
  const whole = await checkWritten(target, vm, part);
  if (!whole.ok) return whole;
  await host.runs.write({ ...note, exporting: { ...note.exporting, isWritten: true } });
  return succeeded(await told(target));
};

export type NotedExport = RunFile & { readonly exporting: Exporting };

function checkReady(
  vm: VmValue,
  { runId }: DriverContext,
  { part, vmCheckpointId }: Input,
  before: Exporting | null,
): Outcome<void> {
  if (part === 'vm-checkpoint' && !vm.checkpoints.some(({ id }) => id === vmCheckpointId))
    return refuse('NotFound', vm.id, `VM ${vm.name} has no VM checkpoint ${vmCheckpointId ?? '(none named)'}.`);
  if (vm.checkpoints.some(({ name }) => runOfCheckpoint(name) === runId))
    return refuse(
      'VmStateWrong',
      vm.id,
      `VM ${vm.name} has a VM checkpoint of this run, which would be in the export.`,
    );
  const underWay = underWayOf(vm);
  return underWay === null || (underWay === 'export' && before !== null)
    ? succeeded(undefined)
    : refuse('VmBusy', vm.id, `Hyper-V is at work on VM ${vm.name}: ${underWay}.`);
}

/** Whether an export that was begun before is written now. One that failed meanwhile is begun anew. */
async function followed(
  host: RealHost,
  context: DriverContext,
  note: NotedExport,
  vm: VmValue,
): Promise<Outcome<boolean>> {
  const job = await jobOf(host, note);
  if (!job.ok) return failed(hadEffect(job.failure));
  if (job.value === null) return succeeded(false);
  const progressAt = progressOf(host, vm);
  const ended = await awaitJob(host, context, { vmId: vm.id, jobId: job.value, progressAt });
  if (!ended.ok) return ended;
  return context.signal.aborted ? stopped(vm) : succeeded(ended.value.state === 'done');
}

/** The job that is noted, else the one that Hyper-V has at work for this VM now. */
export async function jobOf({ client }: RealHost, { vmId, exporting }: NotedExport): Promise<Outcome<string | null>> {
  if (exporting.jobId !== null) return succeeded(exporting.jobId);
  const found = await client.call('read-export-job', { VmId: vmId }, { vmId });
  return found.ok ? succeeded(found.value.jobId) : found;
}

async function write(
  host: RealHost,
  context: DriverContext,
  note: NotedExport,
  vm: VmValue,
  { part, vmCheckpointId }: Input,
): Promise<Outcome<void>> {
  const { folder } = note.exporting;
  await host.runs.write({ ...note, exporting: { ...note.exporting, jobId: null } });
  await removeDurably(folder);
  await makeFolder(folder);
  const CheckpointId = part === 'vm-checkpoint' ? (vmCheckpointId ?? '') : '';
  const asked = { VmId: vm.id, Folder: folder, Part: part, CheckpointId };
  const started = await host.client.call('begin-export', asked, { vmId: vm.id });
  if (!started.ok) return failed(hadEffect(started.failure));
  const { jobId } = started.value;
  if (jobId === null) return succeeded(undefined);
  await host.runs.write({ ...note, exporting: { ...note.exporting, jobId } });
  const ended = await awaitJob(host, context, { vmId: vm.id, jobId, progressAt: progressOf(host, vm) });
  if (!ended.ok) return ended;
  switch (ended.value.state) {
    case 'done':
      return succeeded(undefined);
    case 'canceled':
      return stopped(vm);
    case 'failed':
      return failed(hadEffect(ended.value.failure));
    case 'gone': {
      const message = `Hyper-V forgot the job that exports VM ${vm.name} before it was seen to end.`;
      return failed(failureOf('HyperVRefused', { message, subject: { vmId: vm.id }, effect: 'applied' }));
    }
  }
}

const stopped = (vm: VmValue): Outcome<never> =>
  failed(
    failureOf('CanceledByOperator', {
      message: `The export of VM ${vm.name} was stopped.`,
      subject: { vmId: vm.id },
      effect: 'applied',
    }),
  );

/** Hyper-V tells how far it is in percent: of the files as they are now. */
function progressOf({ clock }: RealHost, vm: VmValue) {
  const beganAtMs = clock.now();
  const images = disksOf(vm).flatMap((disk) => disk.images);
  const bytesTotal = images.reduce((sum, image) => sum + image.fileSizeBytes, vm.runtimeStateBytes);
  return (percent: number): OperationProgress => {
    const bytesDone = Math.floor((bytesTotal * Math.min(100, percent)) / 100);
    const seconds = Math.max(1, (clock.now() - beganAtMs) / 1000);
    return { bytesDone, bytesTotal, bytesPerSecond: bytesDone / seconds, waitingFor: null };
  };
}

/** That a job ended well is not taken on trust: one configuration, and as many disks as were asked for, all of it durable. */
async function checkWritten(folder: string, vm: VmValue, part: Input['part']): Promise<Outcome<void>> {
  const files = await filesBelow(folder);
  const refused = (message: string) =>
    failed(failureOf('HyperVRefused', { message, subject: { vmId: vm.id }, effect: 'applied' }));
  const ids = await exportedVmIds(folder);
  if (ids.length !== 1) return refused(`Hyper-V exported ${ids.length} VMs into ${folder}, not one.`);
  const disks = files.filter(({ path }) => isDiskFile(path)).length;
  // A VM checkpoint has the disks that the VM had then.
  const wanted = part === 'whole' ? vm.disks.length : 0;
  if (part === 'configuration' ? disks > 0 : disks < wanted)
    return refused(`Hyper-V exported ${disks} disk files into ${folder}; ${wanted} were asked for.`);
  // Windows writes a file out only where it is open for writing.
  for (const { path } of files) {
    const handle = await open(path, 'r+');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
  for (const made of Object.values({ ...exportLayout(folder), configuration: null, savedState: null }))
    if (made !== null) await makeFolder(made);
  return succeeded(undefined);
}

async function told(folder: string): Promise<Written> {
  const files = await filesBelow(folder);
  return { exportedBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), files: files.length };
}
