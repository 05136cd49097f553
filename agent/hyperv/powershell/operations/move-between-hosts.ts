import { succeeded } from '../../../../contracts/failure';
import type { HostId, VmId } from '../../../../contracts/ids';
import { exists } from '../../files';
import { removeIfEmpty } from '../../home/made';
import { homeLayout } from '../../home/layout';
import type { VmValue } from '../calls/vm';
import { stateOf } from '../facts';
import { homeOf, type Handler, type RealHost } from '../host';
import { carryOut, type Move } from '../moves/job';
import { pathsOf } from '../inspect/storage';
import { checkNames } from '../moves/names';
import type { MoveNote } from '../move-note';
import { join } from 'node:path';

/** The role of a running VM goes to another node of its cluster. The cluster has the move made, and stops it where it is asked to. */
export const moveLive: Handler<'move-live'> = (host, context, { vmId, peerHost }) =>
  carryOut(host, context, {
    ...betweenHosts(vmId, peerHost),
    asked: { how: 'live', peerHost, home: null, switchName: null },
    prepare: () => Promise.resolve(succeeded(undefined)),
    start: (JobsBefore) =>
      host.client.call('start-live-move', { VmId: vmId, DestinationHost: peerHost, JobsBefore }, { vmId }),
    stop: () => host.client.call('stop-live-move', { VmId: vmId }, { vmId }),
    finish: () => Promise.resolve([`The VM is on ${peerHost} now.`]),
  });

/** A running VM goes to another host with all its files. Hyper-V deletes those of the source itself, when the VM runs on there. */
export const moveWhole: Handler<'move-whole'> = (host, context, { vmId, peerHost, folder, switchName }) => {
  const home = join(folder, vmId);
  return carryOut(host, context, {
    ...betweenHosts(vmId, peerHost),
    asked: { how: 'whole', peerHost, home, switchName },
    prepare: (vm) => Promise.resolve(checkNames(vm)),
    start: (JobsBefore) =>
      host.client.call(
        'start-whole-move',
        { VmId: vmId, DestinationHost: peerHost, Folder: home, SwitchName: switchName ?? '', JobsBefore },
        { vmId },
      ),
    stop: stopJob(host, vmId),
    finish: async (note) => [
      `The VM is on ${peerHost} now.`,
      ...(switchName === null || switchName === note.from.switchName
        ? []
        : [`The virtual switch was "${note.from.switchName ?? ''}" and is now "${switchName}".`]),
      ...(await leftBehind(note)),
    ],
  });
};

/** Asks Hyper-V to end the job of a move. There is nothing to ask where no job is known. */
export const stopJob =
  ({ client }: RealHost, vmId: VmId): Move['stop'] =>
  async (jobId) =>
    jobId === null ? succeeded(undefined) : client.call('stop-move', { VmId: vmId, JobId: jobId }, { vmId });

const betweenHosts = (vmId: VmId, _peer: HostId): Pick<Move, 'vmId' | 'where'> => ({
  vmId,
  where: (note, vm) => (vm === undefined ? 'moved' : isAsBefore(note, vm) ? 'as-before' : 'in-between'),
});

/** It runs on the files that it ran on. */
export const isAsBefore = ({ from }: MoveNote, vm: VmValue): boolean =>
  stateOf(vm) === 'running' && homeOf(vm) === from.home && pathsOf(vm).every((path) => from.files.includes(path));

/** Removes folders that Hyper-V left empty. Files that it left, as parents of disks that other VMs may have too, are told and stay. */
export async function leftBehind({ from }: MoveNote): Promise<string[]> {
  const { disks, savedStates, home } = homeLayout(from.home);
  for (const folder of [disks, savedStates, join(home, 'Snapshots'), home]) await removeIfEmpty(folder);
  const left: string[] = [];
  for (const path of from.files) if (await exists(path)) left.push(path);
  return left.map((path) => `Hyper-V left ${path} where it was.`);
}
