import { setTimeout as delay } from 'node:timers/promises';
import type { Receipt } from '../../../contracts/receipt';
import { destination, source } from '../../agent/small-site';
import type { PowerShellSite } from '../../powershell/powershell-site';
import type { SoakRun } from './runs';

const awakeMsMax = 120_000;

/** What is not as it must be once a run has ended. Asks Hyper-V itself, whatever hyperferry says. */
export async function judge(site: PowerShellSite, run: SoakRun, receipt: Receipt): Promise<string[]> {
  const wrong: string[] = [];
  const { state, failure, leftovers, hostsNotAsked } = receipt;
  if (state !== 'completed' && state !== 'rolled-back') wrong.push(`it ended as ${state}: ${JSON.stringify(failure)}`);
  if (leftovers.length > 0) wrong.push(`it left ${JSON.stringify(leftovers)}`);
  if (hostsNotAsked.length > 0) wrong.push(`${hostsNotAsked.join(' and ')} could not be asked what is left`);
  const expected = state === 'completed' ? run.to : run.from;
  const runsOn = await site.runsOn(run.vm);
  if (runsOn.length !== 1 || runsOn[0] !== expected)
    wrong.push(`its VM runs on ${runsOn.join(' and ') || 'no host'} and not on ${expected}`);
  else if (!(await isAwake(site, run, expected))) wrong.push(`the guest of its VM is not heard on ${expected}`);
  for (const id of [source, destination]) {
    const { registrations, checkpoints, luns } = site.host(id).hyperV;
    if (luns.torn.length > 0) wrong.push(`LUNs were written by two hosts: ${JSON.stringify(luns.torn)}`);
    const planned = registrations.plannedVms();
    if (planned.length > 0) wrong.push(`planned VMs are left on ${id}: ${JSON.stringify(planned)}`);
    const points = await checkpoints.points();
    if (points.length > 0) wrong.push(`${points.length} reference points are left on ${id}`);
  }
  return wrong;
}

async function isAwake(site: PowerShellSite, { vm }: SoakRun, host: SoakRun['to']): Promise<boolean> {
  const { simulated } = site.host(host);
  const startMs = Date.now();
  while ((await simulated.vm(vm))?.heartbeat !== 'ok') {
    if (Date.now() - startMs > awakeMsMax) return false;
    await delay(200);
  }
  return true;
}
