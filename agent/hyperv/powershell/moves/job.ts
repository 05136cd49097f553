import { failed, failureOf, succeeded, type Failure, type Outcome } from '../../../../contracts/failure';
import type { VmId } from '../../../../contracts/ids';
import type { OperationOutput } from '../../../../contracts/operations';
import { isoTime } from '../../../clock';
import type { DriverContext } from '../../driver';
import { incompatible } from '../incompatible';
import type { CallValue } from '../calls/definitions';
import type { VmValue } from '../calls/vm';
import { diskIdOf, memoryBytesOf } from '../facts';
import { findVm, homeOf, type RealHost } from '../host';
import { pathsOf } from '../inspect/storage';
import type { MoveNote } from '../move-note';
import type { RunFile } from '../run-files';
import { failureOfJob } from './ended';
import { follow, type Followed } from './follow';
import { isCompleted } from './looks';
import { needsOf } from './needs';
import { checkReady } from './ready';

export type Moved = OperationOutput<'move-live'>;
type Begun = CallValue<'start-live-move'>;

/** A move by the hypervisor, whatever it takes along. */
export type Move = {
  readonly vmId: VmId;
  readonly asked: Pick<MoveNote, 'how' | 'peerHost' | 'home' | 'switchName'>;
  /** Refuses what can be known to be wrong, and makes what the move needs. Before it nothing is noted. */
  readonly prepare: (vm: VmValue) => Promise<Outcome<void>>;
  readonly start: (jobsBefore: string[]) => Promise<Outcome<Begun>>;
  readonly stop: (jobId: string | null) => Promise<Outcome<unknown>>;
  /** Where the VM is, by what this host has of it now. */
  readonly where: (note: MoveNote, vm: VmValue | undefined) => 'moved' | 'as-before' | 'in-between';
  /** What there is to tell and to clean up once it has moved. */
  readonly finish: (note: MoveNote, vm: VmValue | undefined) => Promise<string[]>;
};

/**
 * Carries a move out as a job of Hyper-V. What is to be started is noted first; one that was noted is looked for, and followed where it is
 * found, so that none is started twice. How it ended is what a look at the VM says; the job only says why.
 */
export async function carryOut(host: RealHost, context: DriverContext, move: Move): Promise<Outcome<Moved>> {
  const { vmId } = move;
  const noted = await host.runs.read(context.runId, vmId);
  if (!noted.ok) return noted;
  const known = noted.value.move;
  if (known !== null && isSame(known, move.asked)) {
    if (known.done !== null) return succeeded(answerOf(known.done));
    const went = await goOn(host, context, move, known);
    if (went !== 'never-began') return went;
  }
  const begun = await begin(host, context, move);
  if (!begun.ok) return begun;
  const { note, failure } = begun.value;
  const went = await goOn(host, context, move, note);
  return went === 'never-began' ? failed(failure ?? withoutTrace(vmId, 'none')) : went;
}

const isSame = (note: MoveNote, asked: Move['asked']): boolean =>
  note.how === asked.how &&
  note.peerHost === asked.peerHost &&
  note.home === asked.home &&
  note.switchName === asked.switchName;

/** A note with what the start failed with, if it may have begun all the same: that is looked at. */
type Started = { readonly note: MoveNote; readonly failure?: Failure };

async function begin(host: RealHost, context: DriverContext, move: Move): Promise<Outcome<Started>> {
  const { vmId, asked } = move;
  const ready = await checkReady(host, context.runId, vmId, asked.how);
  if (!ready.ok) return ready;
  const { vm, jobsBefore } = ready.value;
  const needs = await needsOf(host, vm);
  if (!needs.ok) return needs;
  const prepared = await move.prepare(vm);
  if (!prepared.ok) return prepared;
  const note: MoveNote = {
    ...asked,
    startedAt: isoTime(host.clock.now()),
    jobsBefore,
    jobId: null,
    sizeBytes: (asked.how === 'storage' ? 0 : memoryBytesOf(vm)) + (asked.how === 'live' ? 0 : needs.value.fileBytes),
    from: {
      home: homeOf(vm),
      switchName: vm.switchName,
      files: [...new Set(pathsOf(vm))],
      disks: vm.disks.flatMap((disk) => {
        const diskId = diskIdOf(disk);
        return diskId === undefined ? [] : [{ diskId, path: disk.path }];
      }),
    },
    done: null,
  };
  const written = await write(host, context, vmId, note);
  if (!written.ok) return written;
  const begun = await move.start(jobsBefore);
  if (begun.ok && begun.value.begun !== 'refused') return succeeded({ note: { ...note, jobId: begun.value.jobId } });
  const failure = begun.ok ? refusalOf(vmId, begun.value) : begun.failure;
  if (failure.effect !== 'none') return succeeded({ note, failure: { ...failure, effect: 'none' } });
  await write(host, context, vmId, null);
  return failed(failure);
}

function refusalOf(vmId: VmId, { incompatibilities }: Begun): Failure {
  const [first] = incompatibilities;
  return first === undefined ? withoutTrace(vmId, 'none') : incompatible(vmId, incompatibilities, first);
}

/** Follows the move to its end. `never-began`: nothing of it was seen, and the VM is as it was. */
async function goOn(
  host: RealHost,
  context: DriverContext,
  move: Move,
  note: MoveNote,
): Promise<Outcome<Moved> | 'never-began'> {
  const { vmId } = move;
  let now = note;
  const found = async (jobId: string): Promise<void> => {
    now = { ...now, jobId };
    await write(host, context, vmId, now);
  };
  const followed = await follow(host, context, { vmId, note, found, stop: move.stop });
  if (!followed.ok) return followed;
  const vm = await findVm(host, vmId);
  if (!vm.ok) return failed({ ...vm.failure, effect: 'unknown' });
  // What has not begun by now must not begin later.
  if (followed.value.job === undefined && vm.value !== undefined) await move.stop(now.jobId);
  return settle(host, context, move, now, followed.value, vm.value);
}

/** What became of the VM. A job that is gone by now has said nothing: where the VM is not here any more, the other host has to be asked. */
async function settle(
  host: RealHost,
  context: DriverContext,
  move: Move,
  note: MoveNote,
  { job, wasStopped }: Followed,
  vm: VmValue | undefined,
): Promise<Outcome<Moved> | 'never-began'> {
  const { vmId } = move;
  const where = move.where(note, vm);
  const isDone = where === 'moved' && (vm !== undefined || (job !== undefined && isCompleted(job)));
  if (isDone) {
    const done = { endedAt: isoTime(host.clock.now()), changes: await move.finish(note, vm) };
    await write(host, context, vmId, { ...note, done });
    return succeeded(answerOf(done));
  }
  const isBack = where === 'as-before' && (job === undefined || !isCompleted(job));
  const effect = isBack ? 'none' : 'unknown';
  if (isBack) await write(host, context, vmId, null);
  if (isBack && wasStopped) {
    const message = `The move of VM ${vmId} was stopped, and the VM is as it was.`;
    return failed(failureOf('CanceledByOperator', { message, subject: { vmId }, effect }));
  }
  if (job !== undefined) return failed(failureOfJob(vmId, job, effect));
  return isBack && note.jobId === null ? 'never-began' : failed(withoutTrace(vmId, effect));
}

const withoutTrace = (vmId: VmId, effect: Failure['effect']): Failure =>
  failureOf('MoveFailed', {
    message: `Hyper-V has no job for the move of VM ${vmId}, and does not say what became of it.`,
    subject: { vmId },
    effect,
    native: 'no job',
  });

/** Of a move Hyper-V tells that it is done, and nothing of what it carried or how long the guest stood still. */
const answerOf = (done: NonNullable<MoveNote['done']>): Moved => ({
  ...done,
  outageMs: null,
  memorySentBytes: null,
  copiedBytes: null,
  mirroredBytes: null,
});

async function write(
  host: RealHost,
  { runId }: DriverContext,
  vmId: VmId,
  move: RunFile['move'],
): Promise<Outcome<void>> {
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  await host.runs.write({ ...noted.value, move });
  return succeeded(undefined);
}
