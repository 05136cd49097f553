import { failed, failureOf, succeeded, type Outcome } from '../../../../contracts/failure';
import type { VmId } from '../../../../contracts/ids';
import { readJson, removeDurably, writeJsonAtomic } from '../../files';
import type { Fabric } from '../fabric/fabric';
import type { Handler, SimulatedHost } from '../host';
import { factsOfFiles } from '../images';
import { homeLayout } from '../../home/layout';
import { isAtOrBelow } from '../../paths';
import { vmRegistration } from '../records';
import { refuse } from '../../refuse';
import { hasSwitch } from '../switches';
import { registeredVm, reservedVm } from '../refusals';
import { placeBelow } from './reserve-room';

/** The configuration goes to the LUN while the VM stands still and cannot start, so that it stays true. */
export const writeConfiguration: Handler<'write-configuration'> = async (host, { runId }, { vmId }) => {
  const reserved = reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const { setAside: _none, ...vm } = reserved.value;
  if (vm.fencedBy !== runId || vm.savedState?.runId !== runId)
    return refuse('VmStateWrong', vmId, `VM ${vm.name} must be saved and fenced by this run first.`);
  await writeJsonAtomic(homeLayout(vm.home).writtenConfiguration(runId), vm);
  return succeeded({});
};

export const removeConfiguration: Handler<'remove-configuration'> = async (host, { runId }, { vmId }) => {
  const registered = registeredVm(host, vmId);
  if (!registered.ok) return registered;
  await removeDurably(homeLayout(registered.value.home).writtenConfiguration(runId));
  return succeeded({});
};

/** Refused while a VM on the LUN could run here, except where it is fenced. */
export const detachLun: Handler<'detach-lun'> = async (host, { runId }, { vmId, lun }) => {
  const fabric = fabricOf(host, vmId, lun);
  if (!fabric.ok) return fabric;
  const root = fabric.value.layout.lun(lun);
  const user = host.state.vms.find(
    (vm) => isAtOrBelow(root, vm.home) && (vm.fencedBy !== runId || vm.state === 'running'),
  );
  if (user !== undefined)
    return refuse('LunBusy', vmId, `VM ${user.name} on LUN ${lun} is ${user.state} and not fenced by this run.`);
  await host.state.saveRun({ ...host.state.run(runId, vmId), lun });
  await fabric.value.detach(lun);
  await host.reached('lun-detached');
  return succeeded({});
};

export const attachLun: Handler<'attach-lun'> = async (host, { runId }, { vmId, lun }) => {
  const fabric = fabricOf(host, vmId, lun);
  if (!fabric.ok) return fabric;
  await host.state.saveRun({ ...host.state.run(runId, vmId), lun });
  const attached = await attach(fabric.value, vmId, lun);
  await host.reached('lun-attached');
  return attached;
};

/** Undo of a detach: gives back what this run gave up, and nothing else. */
export const reattachLun: Handler<'reattach-lun'> = async (host, { runId }, { vmId }) => {
  const { lun } = host.state.run(runId, vmId);
  if (lun === null) return succeeded({});
  const fabric = fabricOf(host, vmId, lun);
  if (!fabric.ok) return fabric;
  return attach(fabric.value, vmId, lun);
};

/** Undo of an attach: takes back what this run took, and nothing else. */
export const surrenderLun: Handler<'surrender-lun'> = async (host, { runId }, { vmId }) => {
  const { lun } = host.state.run(runId, vmId);
  if (lun === null) return succeeded({});
  if (host.state.vm(vmId)?.startedBy?.runId === runId)
    return refuse('RefusedAfterStart', vmId, `Run ${runId} started VM ${vmId} here: its LUN stays.`);
  await host.fabric?.detach(lun);
  return succeeded({});
};

async function attach(fabric: Fabric, vmId: VmId, lun: string): Promise<Outcome<Record<string, never>>> {
  const owner = await fabric.attach(lun);
  if (owner === fabric.host) return succeeded({});
  return refuse('LunBusy', vmId, `LUN ${lun} is attached to ${owner ?? 'another host'}.`);
}

function fabricOf(host: SimulatedHost, vmId: VmId, lun: string): Outcome<Fabric> {
  const { fabric } = host;
  if (fabric?.luns.some(({ name }) => name === lun) === true) return succeeded(fabric);
  return refuse('LunMissing', vmId, `The SAN does not show LUN ${lun} to this host.`);
}

/** Registers from the configuration on the LUN. Everything is checked before the placeholder is there. */
export const registerVm: Handler<'register-vm'> = async (host, { runId }, { vmId, folder, switchName }) => {
  const place = await placeBelow(host, folder, vmId);
  if (!place.ok) return place;
  const { home } = place.value;
  if (host.fabric?.isMasked(home) === true)
    return refuse('LunBusy', vmId, `This host does not have the LUN of ${home}.`);
  const read = await readJson(homeLayout(home).writtenConfiguration(runId), vmRegistration);
  if (read.state !== 'read')
    return refuse(
      'RequestInvalid',
      vmId,
      `The configuration of VM ${vmId} in ${home} cannot be used: ${read.state}.`,
      '32784',
    );
  const vm = read.value;
  if (vm.vmId !== vmId || vm.home !== home)
    return refuse(
      'RequestInvalid',
      vmId,
      `The configuration in ${home} is that of VM ${vm.vmId} in ${vm.home}.`,
      '32784',
    );
  const chosen = switchName ?? vm.switchName;
  if (chosen !== null && !hasSwitch(host, chosen))
    return refuse('SwitchMissing', vmId, `This host has no virtual switch "${chosen}".`, '33012');
  const disks = await factsOfFiles(host, vm.disks);
  if (!disks.ok) return failed({ ...disks.failure, effect: 'none' });
  const changes = [
    `The VM is registered in place, in ${home}.`,
    ...(chosen === vm.switchName
      ? []
      : [`The virtual switch was "${vm.switchName ?? ''}" and is now "${chosen ?? ''}".`]),
  ];
  const registration = {
    ...vm,
    switchName: chosen,
    reservedBy: null,
    fencedBy: null,
    retiredBy: null,
    startedBy: null,
  };
  await host.state.savePlanned({
    schema: 1,
    runId,
    vmId,
    vmName: vm.name,
    home,
    madeFolders: [],
    adopted: true,
    imported: { vm: { ...registration, guestOutageMs: null }, switchName, changes, differencing: [] },
  });
  return succeeded({ changes });
};

export const unregisterVm: Handler<'unregister-vm'> = async (host, { runId }, { vmId }) => {
  if (host.state.vm(vmId)?.startedBy?.runId === runId)
    return refuse('RefusedAfterStart', vmId, `Run ${runId} started VM ${vmId} here: it stays registered.`);
  await host.state.dropPlanned(runId, vmId);
  return succeeded({});
};

/** Only what this run fenced and whose LUN is not here any more. */
export const forgetSource: Handler<'forget-source'> = async (host, { runId }, { vmId }) => {
  const vm = host.state.vm(vmId);
  if (vm === undefined) return succeeded({});
  const isGone = host.fabric?.isMasked(vm.home) === true;
  if (vm.fencedBy !== runId || !isGone)
    return failed(
      failureOf('VmStateWrong', {
        message: `VM ${vm.name} is not the source of run ${runId}, or its LUN is here.`,
        subject: { vmId },
      }),
    );
  await host.state.dropVm(vmId);
  return succeeded({});
};
