import { succeeded } from '../../../../contracts/failure';
import { roomForFilesBytes } from '../../../../contracts/room';
import { checkNeeds } from '../admission';
import { withdrawConsent } from '../fabric/inbound';
import type { Handler } from '../host';
import { refuse } from '../../refuse';
import { removePlaceholder } from './place-vm';
import { promisedToAnother, reserveRoom } from './reserve-room';

export const admitVm: Handler<'admit-vm'> = async (host, context, { vmId, needs, brings }) => {
  const { runId } = context;
  const type = brings.type;
  const switchName = type === 'memory' ? null : (brings.switchName ?? null);
  const checked = await checkNeeds(host, runId, vmId, needs, type, switchName);
  if (!checked.ok) return checked;
  const rival = promisedToAnother(host, runId, vmId);
  if (rival !== null) return refuse('VmBusy', vmId, `Run ${rival} has reserved room for VM ${vmId} here.`);
  const { memoryBytes } = needs;
  if (type === 'files') {
    const room = { vmId, folder: brings.folder, roomBytes: roomForFilesBytes(needs.fileBytes), memoryBytes };
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
