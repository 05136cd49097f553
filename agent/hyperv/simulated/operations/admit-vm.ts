import { succeeded } from '../../../../contracts/failure';
import { checkNeeds } from '../admission';
import { renamedFirst } from '../fabric/fabric';
import { fileOf, has, offerIn } from '../fabric/inbound';
import type { Handler, SimulatedHost } from '../host';
import { refuse } from '../refusals';
import { removePlaceholder } from './place-vm';
import { reserveRoom } from './reserve-room';
import type { RunId, VmId } from '../../../../contracts/ids';

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

/** Takes this host's consent to every handover of the run back; false when one of them is committed. */
async function withdrawConsent(host: SimulatedHost, runId: RunId, vmId: VmId): Promise<boolean> {
  for (const folder of (await host.fabric?.handovers(vmId)) ?? []) {
    const offer = await offerIn(folder);
    if (offer?.runId !== runId || offer.to !== host.fabric?.host || (await has(folder, 'arrived'))) continue;
    await renamedFirst(fileOf(folder, 'ready'), fileOf(folder, 'withdrawn'), folder);
    if (await has(folder, 'committed')) return false;
  }
  return true;
}
