import { failed, failureOf, succeeded, type Failure, type Outcome } from '../../../../contracts/failure';
import type { VmId } from '../../../../contracts/ids';
import { endsAgent } from '../../agent-ends';
import type { DriverContext } from '../../driver';
import type { MoveJob } from '../calls/moves';
import type { RealHost } from '../host';
import type { MoveNote } from '../move-note';
import { isOpen, isUnderWay, lookAtMove, moves } from './looks';

const lookMs = 1000;
/** Looks that find nothing under way before it is believed: a job may come, or be about to be listed. */
const nothingSeenMax = 5;
/** Looks in a row that Hyper-V does not answer. Each may have started a worker anew. */
const unansweredMax = 120;
const stopAgainMs = 30_000;

/** How a move ended: with its job, which may be gone by now, and whether it was told to stop. */
export type Followed = { readonly job: MoveJob | undefined; readonly wasStopped: boolean };

export type Following = {
  readonly vmId: VmId;
  readonly note: MoveNote;
  /** The job is known: noted before anything else is done. */
  readonly found: (jobId: string) => Promise<void>;
  /** Asks Hyper-V to take the move back. */
  readonly stop: (jobId: string | null) => Promise<Outcome<unknown>>;
};

/**
 * Looks at a move each second until nothing of it is under way. What it ends with is for a look at the VM to say. Failures: HyperVSilent
 * where Hyper-V does not answer for minutes, and CanceledByOperator where the agent ends meanwhile; the move goes on then.
 */
export async function follow(host: RealHost, context: DriverContext, move: Following): Promise<Outcome<Followed>> {
  const { vmId, note } = move;
  const { signal } = context;
  let jobId = note.jobId;
  let last: MoveJob | undefined;
  let stopAskedAtMs: number | undefined;
  let [nothingSeen, unanswered] = [0, 0];
  for (;;) {
    if (signal.aborted && endsAgent(signal)) return failed(goesOn(vmId));
    if (signal.aborted && (stopAskedAtMs === undefined || host.clock.now() - stopAskedAtMs >= stopAgainMs)) {
      stopAskedAtMs = host.clock.now();
      // Whether it was heard shows in what becomes of the job.
      await move.stop(jobId);
    }
    const looked = await lookAtMove(host, vmId);
    unanswered = looked.ok ? 0 : unanswered + 1;
    if (!looked.ok && unanswered >= unansweredMax) return failed({ ...looked.failure, effect: 'unknown' });
    if (looked.ok) {
      const job = ownJob(looked.value.jobs, note, jobId);
      if (job !== undefined && jobId !== job.id) {
        jobId = job.id;
        await move.found(job.id);
      }
      last = job ?? last;
      nothingSeen = isUnderWay(looked.value) ? 0 : nothingSeen + 1;
      const hasEnded = job !== undefined && !isOpen(job) && !isUnderWay(looked.value);
      if (hasEnded || nothingSeen >= nothingSeenMax)
        return succeeded({ job: last, wasStopped: stopAskedAtMs !== undefined });
    }
    context.report(progressOf(note, last, looked.ok ? undefined : looked.failure));
    await host.clock.sleep(lookMs, signal.aborted ? undefined : signal);
  }
}

/** The job of this move: by its id, else the first of the VM that was not there before. */
const ownJob = (jobs: readonly MoveJob[], { jobsBefore }: MoveNote, jobId: string | null): MoveJob | undefined =>
  jobs.find((job) => (jobId === null ? moves(job) && !jobsBefore.includes(job.id) : job.id === jobId));

const goesOn = (vmId: VmId): Failure =>
  failureOf('CanceledByOperator', {
    message: `The agent ends; Hyper-V goes on with the move of VM ${vmId}.`,
    subject: { vmId },
    effect: 'unknown',
  });

/** Hyper-V tells percent alone. They are of the whole move, so the bytes are what they would be if all went at one pace. */
function progressOf({ sizeBytes }: MoveNote, job: MoveJob | undefined, silent: Failure | undefined) {
  const percent = Math.min(100, job?.percent ?? 0);
  const waitingFor =
    silent !== undefined
      ? `Hyper-V to answer (${silent.code})`
      : job === undefined
        ? 'Hyper-V to begin'
        : `Hyper-V, which has done ${percent} %`;
  return { bytesDone: Math.floor((sizeBytes * percent) / 100), bytesTotal: sizeBytes, bytesPerSecond: 0, waitingFor };
}
