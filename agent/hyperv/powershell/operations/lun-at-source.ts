import { failed, failureOf, succeeded, type Outcome } from '../../../../contracts/failure';
import type { RunId, VmId } from '../../../../contracts/ids';
import { hadEffect } from '../../afterwards';
import { refuse } from '../../refuse';
import type { InspectedHost } from '../calls/inspection';
import { stateOf } from '../facts';
import { findVm, homeOf, reservedVm, type Handler, type RealHost } from '../host';
import { isOn, pathsOf } from '../inspect/storage';
import { giveUp, holderOf, readVm, takeBack } from '../lun-handover';
import type { LunNote } from '../lun-note';
import {
  dismountLun,
  hasLun,
  isMounted,
  lookAgain,
  lookAtLun,
  lunBusy,
  mountLun,
  noteStage,
  type LunFile,
} from '../luns';
import { marksIn } from '../marks';
import { classify } from '../worker/classify';

/**
 * Takes the LUN offline here. The array goes on showing it to both hosts: that it was given up is written on it first, and only who reads
 * that there takes it. What Hyper-V tells of the VM from then on is not relied on, since its configuration went too.
 */
export const detachLun: Handler<'detach-lun'> = async (host, { runId }, { vmId, lun: name }) => {
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  const { lun } = noted.value;
  if (lun !== null && lun.name !== name)
    return refuse('VmStateWrong', vmId, `Run ${runId} has LUN ${lun.name} of VM ${vmId} to move, not ${name}.`);
  const planned = lun === null ? await plan(host, runId, vmId, name) : succeeded(lun);
  if (!planned.ok) return planned;
  const file = await noteStage(host, { ...noted.value, lun: planned.value }, 'giving');
  const given = await give(host, file);
  if (given.ok) {
    await noteStage(host, file, 'given');
    return succeeded({});
  }
  // Where it cannot be told it counts as changed.
  const looked = await lookAtLun(host, vmId, file.lun);
  const isAsBefore = given.failure.effect === 'none' && lun === null && looked.ok && isMounted(looked.value);
  if (!isAsBefore) return failed(hadEffect(given.failure));
  await takeBack(file.lun.home, runId);
  await host.runs.write({ ...file, lun: null });
  return given;
};

async function give(host: RealHost, file: LunFile): Promise<Outcome<unknown>> {
  const looked = await lookAtLun(host, file.vmId, file.lun);
  if (!looked.ok) return looked;
  if (isMounted(looked.value)) await giveUp(file.lun.home, file.runId);
  return dismountLun(host, file, 'source');
}

/** Refuses what can be known to be wrong, before anything is noted. */
async function plan(host: RealHost, runId: RunId, vmId: VmId, name: string): Promise<Outcome<LunNote>> {
  const reserved = await reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const home = homeOf(reserved.value);
  const luns = await lunsOf(host, vmId);
  if (!luns.ok) return luns;
  const lun = luns.value.find(({ id }) => id === name);
  const [mountPath] = lun?.paths ?? [];
  if (lun === undefined) return refuse('LunMissing', vmId, `The SAN does not show LUN ${name} to this host.`);
  if (lun.isClustered) return refuse('LunBusy', vmId, `LUN ${name} belongs to a cluster.`);
  const isWhole = lun.volumeCount === 1 && lun.paths.length === 1;
  if (mountPath === undefined || !isWhole || !isOn(lun, reserved.value.configurationPath))
    return refuse('LunMissing', vmId, `VM ${reserved.value.name} does not lie on LUN ${name}, mounted at one path.`);
  const all = await host.client.call('read-vms', {}, { vmId });
  if (!all.ok) return all;
  const user = all.value.vms.find(
    (vm) =>
      pathsOf(vm).some((path) => isOn(lun, path)) &&
      (marksIn(vm.notes).fencedBy !== runId || stateOf(vm) === 'running'),
  );
  if (user !== undefined)
    return refuse('LunBusy', vmId, `VM ${user.name} on LUN ${name} is ${stateOf(user)} and not fenced by this run.`);
  const written = await readVm(home, runId, vmId);
  return written.ok
    ? succeeded({ name, mountPath, home, stage: 'giving', wasReadOnly: lun.isReadOnly })
    : refuse('VmStateWrong', vmId, `The configuration of VM ${vmId} was not written to its LUN yet.`);
}

type Luns = Extract<InspectedHost['luns'], { known: true }>['value'];

async function lunsOf({ client }: RealHost, vmId: VmId): Promise<Outcome<Luns>> {
  const inspected = await client.call('inspect-host', { Folder: '' }, { vmId });
  if (!inspected.ok) return inspected;
  const { luns } = inspected.value;
  return luns.known ? succeeded(luns.value) : failed(classify(luns.error, false, { vmId }));
}

/** Undo of a detach: takes back what this run gave up, once the LUN says that nobody else has it. */
export const reattachLun: Handler<'reattach-lun'> = async (host, { runId, signal }, { vmId }) => {
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  const file = noted.value;
  if (!hasLun(file) || !['giving', 'given'].includes(file.lun.stage)) return succeeded({});
  const looked = await lookAgain(host, file);
  if (!looked.ok) return looked;
  const isHere = isMounted(looked.value);
  // Another host may write to it: it is looked at before it is mounted to be written.
  for (const how of isHere ? (['to-write'] as const) : (['to-read', 'to-write'] as const)) {
    const mounted = await mountLun(host, file, how);
    if (!mounted.ok) return failed({ ...mounted.failure, effect: 'unknown' });
    const holder = await holderOf(file.lun.home, runId);
    if (holder === 'nobody' || (isHere && holder === 'source')) continue;
    const gone = await dismountLun(host, file, 'source');
    const { failure } = lunBusy(vmId, runId, file.lun, `the ${holder}`);
    return failed({ ...failure, effect: gone.ok ? 'none' : 'unknown' });
  }
  await takeBack(file.lun.home, runId);
  const found = await untilFound(host, vmId, signal);
  if (!found.ok) return found;
  await host.runs.write({ ...file, lun: null });
  return succeeded({});
};

const lookMs = 1_000;
const looksMax = 180;

/** Hyper-V looks for the files of a VM that lost them now and then, and not at once when they are there again. */
async function untilFound(host: RealHost, vmId: VmId, signal: AbortSignal): Promise<Outcome<void>> {
  let state = '';
  for (let looks = 0; looks < looksMax && !signal.aborted; looks++) {
    const found = await findVm(host, vmId);
    if (!found.ok) return failed({ ...found.failure, effect: 'applied' });
    const vm = found.value;
    if (vm === undefined || (!/Critical$/.test(vm.state) && vm.disks.every(({ error }) => error === null)))
      return succeeded(undefined);
    state = vm.state;
    await host.clock.sleep(lookMs, signal);
  }
  const message = `The LUN of VM ${vmId} is here again, and Hyper-V has not found the files of the VM yet: it is ${state}.`;
  return failed(failureOf('VmBusy', { message, subject: { vmId }, effect: 'applied' }));
}

/** Only what this run fenced, and whose LUN is not here any more: its files went with it, and Hyper-V cannot delete them. */
export const forgetSource: Handler<'forget-source'> = async (host, { runId }, { vmId }) => {
  const found = await findVm(host, vmId);
  if (!found.ok) return found;
  const vm = found.value;
  if (vm === undefined) return succeeded({});
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  const { lun } = noted.value;
  const { fencedBy } = marksIn(vm.notes);
  const isOurs = lun?.stage === 'given' && homeOf(vm) === lun.home && (fencedBy === null || fencedBy === runId);
  if (!isOurs)
    return refuse('VmStateWrong', vmId, `VM ${vm.name} is not the source of run ${runId}, or its LUN is here.`);
  const gone = await host.client.call('remove-absent-vm', { VmId: vmId, Lun: lun.name }, { vmId });
  return gone.ok ? succeeded({}) : gone;
};
