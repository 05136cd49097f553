import type { HyperVDriver } from '../../../agent/hyperv/driver';
import { hostBehind } from '../../../agent/hyperv/simulated/driver';
import { isOpen } from '../../../agent/hyperv/simulated/fabric/inbound';
import { hostId, vmId as vmIdOf, type RunId } from '../../../contracts/ids';
import { perform } from '../../conformance/hyperv-move';
import { HyperVRefusal } from './refusal';

/** What roles need of the Hyper-V of a node. */
type Node = {
  readonly simulated: HyperVDriver;
  own(vmId: string): Promise<{ readonly name: string }>;
  notesOf(vmId: string): Promise<string>;
  setNotes(vmId: string, notes: string): Promise<void>;
  readonly roles: { isLeaving(vmId: string): boolean };
};

/** What a cluster does with roles, by simulated nodes that hand VMs to one another. */
export class StandInRoles {
  /** A role is on its way until it resolves, and arrives then. */
  gate: Promise<unknown> = Promise.resolve();
  /** A move that the cluster takes on and does not make. */
  failsToMove = false;
  private readonly moving = new Map<string, Promise<unknown>>();

  constructor(
    private readonly node: Node,
    private readonly by: RunId,
    /** Another node, by its name. */
    private readonly peerOf: (name: string) => Node | undefined,
  ) {}

  /** As any node tells it; null for a VM that is no role. */
  async of(vmId: string) {
    const { fabric, state } = hostBehind(this.node.simulated);
    const id = vmIdOf.parse(vmId);
    const role = await fabric?.roleOf(id);
    if (fabric === undefined || role === null || role === undefined) return null;
    const open = await Promise.all((await fabric.handovers(id)).map(isOpen));
    const isLeaving = this.isLeaving(vmId) || this.peerOf(role.owner)?.roles.isLeaving(vmId) === true;
    if (isLeaving || open.includes(true)) return { owner: role.owner, state: 'Pending' };
    return { owner: role.owner, state: state.vm(id)?.state === 'running' ? 'Online' : 'Offline' };
  }

  isLeaving(vmId: string): boolean {
    return this.moving.has(vmId);
  }

  /** Answers as soon as the cluster has taken it on. */
  async move(vmId: string, to: string): Promise<void> {
    const peer = this.peerOf(to);
    if (peer === undefined) throw new HyperVRefusal('OperationFailed', `There is no node ${to}.`, 0x800713ad | 0);
    await this.node.own(vmId);
    if (this.moving.has(vmId)) throw new HyperVRefusal('InvalidState', 'The role is being moved.');
    const work = this.handOver(vmId, to, peer);
    this.moving.set(vmId, work);
    void work.finally(() => this.moving.delete(vmId));
  }

  async idle(): Promise<void> {
    await Promise.all(this.moving.values());
  }

  private async handOver(vmId: string, to: string, peer: Node): Promise<void> {
    await this.gate;
    if (this.failsToMove) return;
    // Notes are of the configuration, which is on the shared volume.
    const notes = await this.node.notesOf(vmId);
    await peer.setNotes(vmId, notes);
    const ofVm = { vmId: vmIdOf.parse(vmId) };
    const moved = await perform(this.node.simulated, this.by, 'move-role', { ...ofVm, peerHost: hostId.parse(to) });
    await (moved.ok ? this.node : peer).setNotes(vmId, '');
  }
}
