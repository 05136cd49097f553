import { unfinishedSuffix } from '../../../agent/files';
import { destinationHostOf } from '../../../contracts/migration';
import { sharedStorage } from '../world/make-vms';
import type { Site } from '../world/site';
import { strangeContent } from './contents';
import { isRunnable, namesIn, pathsBelow, textOf } from './registrations';
import type { WatchedRun } from './runs';
import type { Complain } from './violation';
import { exportIn, type WatchedVm } from './vms';

/** What a state file of a VM says of runs, but for when the last one stopped and resumed it: that holds nobody up. */
const marksIn = (text: string): string => {
  const { stop: _, ...marks } = JSON.parse(text) as Readonly<Record<string, unknown>>;
  return JSON.stringify(marks);
};

/** Names of what only a run that is under way has. */
const isOfWork = (path: string): boolean =>
  /\.(?:merged|pulled|partial|exporting)$/.test(path) ||
  path.endsWith(unfinishedSuffix) ||
  path.includes('.hyperferry/') ||
  path.includes('.exporting/');

/** Where a VM is after its run. */
export const homeOf = ({ request }: WatchedVm, { ended }: WatchedRun): string =>
  ended === 'completed' ? destinationHostOf(request) : request.sourceHost;

/** Whether the guest of a VM runs after its run. */
export const runsAfter = ({ request }: WatchedVm, { ended }: WatchedRun): boolean =>
  request.kind !== 'import' || (ended === 'completed' && request.policy.start);

/** What names the run but for what the policy of a completed one keeps. Hosts go on: what is being written now counts too. */
export function leftoversOf(site: Site, { request, runId, vmId }: WatchedVm, run: WatchedRun): string[] {
  const isCompleted = run.ended === 'completed';
  const found: string[] = [];
  const left = (name: string, path: string): void => void found.push(`${name}: ${path}`);
  for (const machine of new Set([request.sourceHost, destinationHostOf(request)])) {
    const tree = site.tree(machine);
    for (const path of pathsBelow(tree, '/host')) {
      const isKept = isCompleted && path.startsWith('/host/retired/');
      if ((path.includes(runId) && !isKept) || isOfWork(path)) left(machine, path);
      if (path.startsWith('/host/switches/') && (textOf(tree, path) ?? '').includes(runId))
        left(machine, `${path} names ${runId}`);
      if (!isCompleted && path.endsWith('vm.json') && marksIn(textOf(tree, path) ?? '{}').includes(runId))
        left(machine, `${path} names ${runId}`);
    }
  }
  if (site.shared === undefined) return found;
  for (const path of pathsBelow(site.shared.tree, ''))
    if (path.includes(runId) || isOfWork(path)) left(sharedStorage, path);
  for (const job of namesIn(site.shared.tree, `/handovers/${vmId}`)) left(sharedStorage, `handover ${job} of ${vmId}`);
  return found;
}

/** Every block of the VM is what it was in the beginning, or what its own guest wrote, and the VM is as a run leaves it. */
export async function checkContent(site: Site, vm: WatchedVm, run: WatchedRun, complain: Complain): Promise<void> {
  const machine = homeOf(vm, run);
  const at = `${vm.vmId} on ${machine} after ${run.ended ?? 'nothing'}`;
  const here = vm.at(machine);
  if (vm.route === 'arrives' && run.ended !== 'completed') {
    if (here !== undefined) complain('an import that did not complete leaves no VM', at);
    return;
  }
  if (here === undefined || !isRunnable(here.found)) {
    complain('a run that ended leaves the VM able to run', at);
    return;
  }
  const state = runsAfter(vm, run) ? 'running' : 'off';
  if (here.found.state !== state) complain(`a run that ended leaves the VM ${state}`, `${at} is ${here.found.state}`);
  const strange = await strangeContent(here.now, vm.beginning, vm.guestSeed);
  if (strange !== undefined) complain('no byte is another', `${at}: ${strange}`);
  await checkExport(site, vm, run, complain);
}

/** An export holds what the VM held at some time, and nothing else. */
async function checkExport(site: Site, vm: WatchedVm, run: WatchedRun, complain: Complain): Promise<void> {
  const { request } = vm;
  if (request.kind !== 'export' || run.ended !== 'completed') return;
  const name = (
    JSON.parse(textOf(site.tree(request.sourceHost), `host/vms/${vm.vmId}/vm.json`) ?? '{}') as { name: string }
  ).name;
  const written = exportIn(site, request.sourceHost, `${request.destinationFolder}/${name}`, vm.vmId);
  if (written === undefined) complain('an export that completed is there', `${vm.vmId}: ${request.destinationFolder}`);
  else if (request.part !== 'configuration') {
    const strange = await strangeContent(written, vm.beginning, vm.guestSeed);
    if (strange !== undefined) complain('no byte is another', `the export of ${vm.vmId}: ${strange}`);
  }
}
