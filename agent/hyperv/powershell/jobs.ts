import { failureOf, failed, succeeded, type Failure, type Outcome } from '../../../contracts/failure';
import type { VmId } from '../../../contracts/ids';
import type { OperationProgress } from '../../../contracts/operations';
import type { DriverContext } from '../driver';
import type { RealHost } from './host';
import { classify } from './worker/classify';

/** How a job of Hyper-V ended. `gone`: it is not listed any more, so how it ended is not known. */
export type JobEnd =
  { readonly state: 'done' | 'canceled' | 'gone' } | { readonly state: 'failed'; readonly failure: Failure };

type Job = {
  readonly vmId: VmId;
  readonly jobId: string;
  readonly progressAt?: (percent: number) => OperationProgress;
};

const lookMs = 1_000;

/**
 * Looks at a job each second until it has ended. Aborted, it asks Hyper-V to end the job and goes on looking, since what still writes must
 * not be taken for ended. Failures: those of a look, which leave the job as it is.
 */
export async function awaitJob(
  { client, clock }: RealHost,
  { signal, report }: Pick<DriverContext, 'signal' | 'report'>,
  { vmId, jobId, progressAt }: Job,
): Promise<Outcome<JobEnd>> {
  let isAskedToEnd = false;
  for (;;) {
    if (signal.aborted && !isAskedToEnd) {
      const asked = await client.call('stop-job', { JobId: jobId }, { vmId });
      if (!asked.ok) return failed({ ...asked.failure, effect: 'unknown' });
      isAskedToEnd = true;
    }
    const looked = await client.call('read-job', { JobId: jobId }, { vmId });
    if (!looked.ok) return failed({ ...looked.failure, effect: 'unknown' });
    const { state, percent, error } = looked.value;
    switch (state) {
      case 'running':
        if (progressAt !== undefined) report(progressAt(percent));
        // A signal that was given would cut every further wait short.
        await clock.sleep(lookMs, isAskedToEnd ? undefined : signal);
        break;
      case 'failed':
        return succeeded({ state, failure: error === null ? unexplained(vmId) : classify(error, true, { vmId }) });
      case 'done':
      case 'canceled':
      case 'gone':
        return succeeded({ state });
    }
  }
}

const unexplained = (vmId: VmId): Failure =>
  failureOf('HyperVRefused', { message: 'A job of Hyper-V failed.', subject: { vmId }, effect: 'unknown' });
