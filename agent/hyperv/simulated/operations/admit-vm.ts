import { succeeded } from '../../../../contracts/failure';
import { checkNeeds } from '../admission';
import { withdrawConsent } from '../fabric/inbound';
import type { Handler } from '../host';
import { refuse } from '../refusals';
import { removePlaceholder } from './place-vm';
import { reserveRoom } from './reserve-room';

/** Room beyond the files as they are now: what the guest writes meanwhile. */
const spareBytes = 256 * 1024 * 1024;

export const admitVm: Handler<'admit-vm'> = async (host, context, { vmId, needs, brings }) => {
  const { runId } = context;
  const type = brings.type;
  const switchName = type === 'files' ? brings.switchName : null;
  const checked = await checkNeeds(host, runId, vmId, needs, type, switchName);
  if (!checked.ok) return checked;
  const rival = host.state.runs.find((run) => run.vmId === vmId && run.runId !== runId && run.room !== null);
  if (rival !== undefined) return refuse('VmBusy', vmId, `Run ${rival.runId} has reserved room for VM ${vmId} here.`);
  const { memoryBytes } = needs;
  if (type === 'files') {
    const room = { vmId, folder: brings.folder, roomBytes: needs.fileBytes + spareBytes, memoryBytes };
    const reserved = await reserveRoom(host, context, room);
    return reserved.ok ? succeeded({}) : reserved;
  }
  const folder = needs.storage?.folder ?? host.layout.folder;
  await host.state.saveRun({ ...host.state.run(runId, vmId), room: { folder, roomBytes: 0, memoryBytes } });
  return succeeded({});
};

/** Where the VM is now nothing is taken away: neither its files nor the promise that it lives on. */
export const withdrawVm: Handler<'withdraw-vm'> = async (host, context, { vmId }) => {
  const { runId } = context;
  const vm = host.state.vm(vmId);
  if (vm !== undefined && vm.leaving === null && vm.reservedBy === runId)
    return refuse('RefusedAfterStart', vmId, `VM ${vm.name} is on this host: run ${runId} brought it here.`);
  if (!(await withdrawConsent(host, runId, vmId)))
    return refuse('MoveUnsettled', vmId, `VM ${vmId} was handed over to this host and has yet to arrive.`);
  const planned = host.state.plannedVm(runId, vmId);
  if (planned !== undefined) {
    const removed = await removePlaceholder(host, context, {
      vmId,
      folder: host.state.run(runId, vmId).room?.folder ?? planned.home,
    });
    if (!removed.ok) return removed;
  }
  await host.state.dropRun(runId, vmId);
  return succeeded({});
};
