import type { z } from 'zod';
import { failed, succeeded, type Outcome } from '../../contracts/failure';
import type { PreflightReport } from '../../contracts/preflight';
import type { App } from '../app';
import type { preflight as definition } from '../definitions';
import { gather } from './gather';
import { runChecks } from './run-checks';

export { gather } from './gather';
export { runChecks } from './run-checks';

/**
 * The gate of a run. A host that is away now fails it for a while, so that the run asks again; a permanent answer, and everything that was
 * found, is in the report.
 */
export async function preflight(
  app: App,
  { request, runId }: z.infer<(typeof definition)['input']>,
): Promise<Outcome<PreflightReport>> {
  const situation = await gather(app, request, runId);
  for (const { answer } of [situation.source, situation.destination])
    if (!answer.ok && answer.failure.retry === 'transient') return failed({ ...answer.failure, effect: 'none' });
  const { checks: _checks, ...report } = runChecks(situation);
  return succeeded(report);
}
