import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { succeeded, type Outcome } from '../../../../contracts/failure';
import type { RunId, VmId } from '../../../../contracts/ids';
import type { OperationInput } from '../../../../contracts/operations';
import { ifExists } from '../../../files';
import { removeDurably } from '../../files';
import { homeLayout } from '../../home/layout';
import { removeIfEmpty } from '../../home/made';
import { resolveBelowRoots } from '../../paths';
import { refuse } from '../../refuse';
import type { VmValue } from '../calls/vm';
import { sizesOf } from '../facts';
import { findVm, homeOf, registeredVm, setMarks, type Handler, type RealHost } from '../host';
import { marksIn } from '../marks';
import type { RetiredFile } from '../retired-files';
import type { Retirement } from '../run-files';

type Policy = OperationInput<'retire-vm'>['retire'];

/**
 * What is to be done is written down first, then done, so that a repeat after a crash goes on and answers the same. The registration
 * goes before the files: a VM without its disks never shows.
 */
export const retireVm: Handler<'retire-vm'> = async (host, { runId }, { vmId, retire }) => {
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  const retirement = await plan(host, runId, vmId, retire, noted.value.retirement);
  if (!retirement.ok) return retirement;
  const now = retirement.value;
  await host.runs.write({ ...noted.value, retirement: now });
  const found = await findVm(host, vmId);
  if (!found.ok) return found;
  const source = isSource(found.value, runId) ? found.value : undefined;
  if (now.policy === 'keep') {
    const marked = source && (await setMarks(host, source, { ...marksIn(source.notes), retiredBy: runId }));
    return marked?.ok === false ? marked : succeeded({ kept: now.kept, freedBytes: 0 });
  }
  const gone = await unregister(host, vmId, source, now.fenced);
  if (!gone.ok) return gone;
  await host.retired.remove(runId, vmId);
  await deleteFiles(host, now);
  return succeeded({ kept: now.kept, freedBytes: now.freedBytes });
};

const isSource = (vm: VmValue | undefined, run: RunId): vm is VmValue =>
  vm !== undefined && marksIn(vm.notes).fencedBy === run;

/** Takes the registration away, if it is there, and then the denials, which would keep a VM of this id from these disks for ever. */
async function unregister(
  { client }: RealHost,
  vmId: VmId,
  source: VmValue | undefined,
  fenced: readonly string[],
): Promise<Outcome<void>> {
  const ofFiles = { VmId: vmId, DiskPaths: [...fenced] };
  const gone =
    source === undefined
      ? await client.call('unlock-files', ofFiles, { vmId })
      : await client.call('remove-vm', { ...ofFiles, Expected: source.notes }, { vmId });
  return gone.ok ? succeeded(undefined) : gone;
}

async function plan(
  host: RealHost,
  runId: RunId,
  vmId: VmId,
  policy: Policy,
  before: Retirement | null,
): Promise<Outcome<Retirement>> {
  if (before !== null && (before.policy === policy || before.policy === 'delete')) return succeeded(before);
  const found = await findVm(host, vmId);
  if (!found.ok) return found;
  const described = isSource(found.value, runId)
    ? await describe(host, found.value, runId)
    : succeeded(await host.retired.read(runId, vmId));
  if (!described.ok) return described;
  const source = described.value;
  if (source === undefined) return before === null ? noSource(host, runId, vmId) : succeeded(before);
  const paths = source.files.map(({ path }) => path);
  const { home, fenced } = source;
  if (policy !== 'delete') return succeeded({ policy, delete: [], kept: paths, freedBytes: 0, fenced, home });
  const inUse = await pathsOfOthers(host, source);
  if (!inUse.ok) return inUse;
  const own = source.files.filter(({ path }) => !inUse.value.has(path));
  const deletable = new Set<string>();
  for (const { path } of own) if ((await resolveBelowRoots(path, home, host.roots)).ok) deletable.add(path);
  return succeeded({
    policy,
    delete: [...deletable],
    kept: paths.filter((path) => !deletable.has(path)),
    freedBytes: own.reduce((sum, { path, sizeBytes }) => sum + (deletable.has(path) ? sizeBytes : 0), 0),
    fenced,
    home,
  });
}

/** A registered VM as what remains of it once it is registered no more: its disks. Hyper-V takes configuration and memory along. */
async function describe({ retired }: RealHost, vm: VmValue, runId: RunId): Promise<Outcome<RetiredFile>> {
  const before = await retired.read(runId, vm.id);
  if (before !== undefined) return succeeded(before);
  const sizes = sizesOf(vm);
  if (!sizes.ok) return sizes;
  const files: { path: string; sizeBytes: number }[] = [];
  for (const { path } of sizes.value.disks.flatMap(({ images }) => images)) {
    const facts = await ifExists(stat(path));
    if (facts !== undefined) files.push({ path, sizeBytes: facts.size });
  }
  const fenced = vm.disks.map(({ path }) => path);
  return succeeded({ schema: 1, runId, vmId: vm.id, vmName: vm.name, home: homeOf(vm), files, fenced });
}

/** What some other VM of this host stands on, or another retired source. */
async function pathsOfOthers(host: RealHost, source: RetiredFile): Promise<Outcome<ReadonlySet<string>>> {
  const read = await host.client.call('read-vms', {}, { vmId: source.vmId });
  if (!read.ok) return read;
  const others = read.value.vms.filter((vm) => vm.id !== source.vmId || homeOf(vm) !== source.home);
  const retired = (await host.retired.all()).filter(
    ({ runId, vmId }) => runId !== source.runId || vmId !== source.vmId,
  );
  return succeeded(
    new Set([
      ...others.flatMap(({ disks }) => disks.flatMap(({ path, images }) => [path, ...images.map((one) => one.path)])),
      ...retired.flatMap(({ files }) => files.map(({ path }) => path)),
    ]),
  );
}

async function noSource(host: RealHost, runId: RunId, vmId: VmId): Promise<Outcome<never>> {
  const registered = await registeredVm(host, vmId);
  if (!registered.ok) return registered;
  return refuse(
    'VmStateWrong',
    vmId,
    `VM ${registered.value.name} is not fenced by run ${runId}: it is not its source.`,
  );
}

async function deleteFiles(host: RealHost, retirement: Retirement): Promise<void> {
  if (retirement.policy !== 'delete') return;
  for (const path of retirement.delete) await removeDurably(path);
  const { home, disks, savedStates } = homeLayout(retirement.home);
  const folders = new Set([...retirement.delete.map((path) => dirname(path)), disks, savedStates, home]);
  for (const folder of [...folders].sort((one, other) => other.length - one.length))
    if (!host.roots.includes(folder)) await removeIfEmpty(folder);
}

/**
 * Makes room for the VM under its id: the registration of a source that cannot run any more goes, its files stay, and a note says whose
 * they are. The note comes first, and goes again where Hyper-V says that the registration stands.
 */
export async function setAside(host: RealHost, vm: VmValue, run: RunId): Promise<Outcome<void>> {
  const owner = marksIn(vm.notes).retiredBy ?? run;
  const isNew = (await host.retired.read(owner, vm.id)) === undefined;
  const described = await describe(host, vm, owner);
  if (!described.ok) return described;
  await host.retired.write(described.value);
  const { fenced } = described.value;
  const gone = await host.client.call(
    'remove-vm',
    { VmId: vm.id, Expected: vm.notes, DiskPaths: [...fenced] },
    { vmId: vm.id },
  );
  if (gone.ok) return succeeded(undefined);
  if (isNew && gone.failure.effect === 'none') await host.retired.remove(owner, vm.id);
  return gone;
}
