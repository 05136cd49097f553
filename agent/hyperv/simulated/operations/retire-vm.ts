import { dirname } from 'node:path';
import { succeeded, type Outcome } from '../../../../contracts/failure';
import type { RunId, VmId } from '../../../../contracts/ids';
import type { OperationInput } from '../../../../contracts/operations';
import { removeDurably } from '../../files';
import { removeIfEmpty } from '../../home/made';
import { filesOfVm, filesInUseExcept } from '../file-use';
import { resolveOnHost, type Handler, type SimulatedHost } from '../host';
import { homeLayout } from '../../home/layout';
import type { RunRecord, VmRegistration } from '../records';
import { refuse } from '../../refuse';
import { registeredVm } from '../refusals';

type Policy = OperationInput<'retire-vm'>['retire'];
type Retirement = NonNullable<RunRecord['retirement']>;

/** The source of a run, by itself or set aside because the VM runs on this same host. */
type Source =
  | { readonly type: 'registered'; readonly vm: VmRegistration }
  | { readonly type: 'set-aside'; readonly vm: VmRegistration };

/**
 * What is to be done is written down first, then done, so that a repeat after a crash goes on and answers the same. The registration
 * goes before the files: a VM without its disks never shows.
 */
export const retireVm: Handler<'retire-vm'> = async (host, { runId }, { vmId, retire }) => {
  const planned = host.state.run(runId, vmId).retirement;
  const retirement = await plan(host, runId, vmId, retire, planned);
  if (!retirement.ok) return retirement;
  const now = retirement.value;
  if (now !== planned) await host.state.saveRun({ ...host.state.run(runId, vmId), retirement: now });
  await host.reached('retirement-planned');
  if (now.policy === 'keep') {
    const vm = host.state.vm(vmId);
    if (vm?.fencedBy === runId && vm.retiredBy === null) await host.state.saveVm({ ...vm, retiredBy: runId });
    return succeeded({ kept: now.kept, freedBytes: 0 });
  }
  const source = sourceOf(host, runId, vmId);
  if (source?.type === 'registered') await host.state.dropVm(vmId);
  if (source?.type === 'set-aside') await host.state.dropRetired(runId, vmId);
  await host.reached('retirement-unregistered');
  const deleted = await deleteFiles(host, now);
  return deleted.ok ? succeeded({ kept: now.kept, freedBytes: now.freedBytes }) : deleted;
};

function sourceOf(host: SimulatedHost, runId: RunId, vmId: VmId): Source | undefined {
  const setAside = host.state.retiredVm(runId, vmId);
  if (setAside !== undefined) return { type: 'set-aside', vm: setAside.vm };
  const vm = host.state.vm(vmId);
  return vm?.fencedBy === runId ? { type: 'registered', vm } : undefined;
}

async function plan(
  host: SimulatedHost,
  runId: RunId,
  vmId: VmId,
  policy: Policy,
  before: Retirement | null,
): Promise<Outcome<Retirement>> {
  if (before !== null && (before.policy === policy || before.policy === 'delete')) return succeeded(before);
  const source = sourceOf(host, runId, vmId);
  if (source === undefined) return before === null ? noSource(host, runId, vmId) : succeeded(before);
  const files = await filesOfVm(host, source.vm);
  const paths = files.map((file) => file.path);
  const { home } = source.vm;
  if (policy !== 'delete') return succeeded({ policy, delete: [], kept: paths, freedBytes: 0, home });
  const inUse = await filesInUseExcept(host, source.vm);
  const own = files.filter((file) => !inUse.has(file.path));
  return succeeded({
    policy,
    delete: own.map((file) => file.path),
    kept: paths.filter((path) => inUse.has(path)),
    freedBytes: own.reduce((sum, file) => sum + file.sizeBytes, 0),
    home,
  });
}

function noSource(host: SimulatedHost, runId: RunId, vmId: VmId): Outcome<never> {
  const registered = registeredVm(host, vmId);
  if (!registered.ok) return registered;
  return refuse(
    'VmStateWrong',
    vmId,
    `VM ${registered.value.name} is not fenced by run ${runId}: it is not its source.`,
  );
}

/** Deletes the files that a retirement names, and the folders of the VM that are empty then. */
export async function deleteFiles(
  host: SimulatedHost,
  retirement: Pick<Retirement, 'policy' | 'delete' | 'home'>,
): Promise<Outcome<void>> {
  for (const path of retirement.delete) {
    const safe = await resolveOnHost(host, path);
    if (!safe.ok) return safe;
    await removeDurably(path);
    await host.reached('retirement-file-deleted');
  }
  if (retirement.policy !== 'delete') return succeeded(undefined);
  const { home, disks, savedStates } = homeLayout(retirement.home);
  const folders = new Set([...retirement.delete.map((path) => dirname(path)), disks, savedStates, home]);
  const isRoot = (folder: string) => host.record.volumes.some((volume) => volume.root === folder);
  for (const folder of [...folders].sort((one, other) => other.length - one.length))
    if (!isRoot(folder)) await removeIfEmpty(folder);
  return succeeded(undefined);
}
