import { succeeded, type Outcome } from '../contracts/failure';
import type { RunId } from '../contracts/ids';
import type { App } from './app';
import { leaveStaging as leave } from './staging/hold';

/** Tells that a run has ended, so that its blocks are removed once no run of its batch needs them. */
export async function leaveStaging(app: App, { runId }: { readonly runId: RunId }): Promise<Outcome<object>> {
  const left = await leave(app, runId);
  return left.ok ? succeeded({}) : left;
}
