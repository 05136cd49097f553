import type { HyperVDriver } from '../../../agent/hyperv/driver';
import { hostBehind } from '../../../agent/hyperv/simulated/driver';
import { isOpen } from '../../../agent/hyperv/simulated/fabric/inbound';
import { newRole, settingsOf } from '../../../agent/hyperv/simulated/operations/change-role';
import { hostId, vmId as vmIdOf, type RunId } from '../../../contracts/ids';
import type { RoleSettings } from '../../../contracts/operations';
import { perform } from '../../conformance/hyperv-move';
import { HyperVRefusal } from './refusal';

/** What roles need of the Hyper-V of a node. */
type Node = {
  readonly simulated: HyperVDriver;
  own(vmId: string): Promise<{ readonly name: string }>;
  shutDown(vmId: string): Promise<void>;
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
  /** Settings that the cluster takes and does not keep. */
  forgets: readonly (keyof RoleSettings)[] = [];
  /** A VM stops when its role is removed. */
  stopsVms = false;
  /** How often a role that was just made says that it is on its way. */
  pendingLooks = 0;
  private looksLeft = 0;
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
    const record = await fabric.readRole(id);
    if (record === null) return null;
    const told = { vmId, owner: role.owner, others: record.otherResources, settings: settingsOf(record) };
    if (isLeaving || open.includes(true) || this.looksLeft > 0) {
      this.looksLeft = Math.max(0, this.looksLeft - 1);
      return { ...told, state: 'Pending' };
    }
    return { ...told, state: state.vm(id)?.state === 'running' ? 'Online' : 'Offline' };
  }

  /** All of the cluster. */
  async list() {
    const roles = (await this.fabric.roles()).map(({ vmId }) => this.of(vmId));
    return (await Promise.all(roles)).filter((role) => role !== null);
  }

  nodes(): readonly string[] {
    return this.fabric.cluster?.nodes ?? [];
  }

  /** The VM stays as it is. */
  async remove(vmId: string): Promise<void> {
    const role = await this.of(vmId);
    if (role === null) throw new HyperVRefusal('ObjectNotFound', `VM ${vmId} is no role.`, 0x8007138d | 0);
    if (role.state === 'Pending') throw new HyperVRefusal('InvalidState', 'The role is being moved.');
    await this.fabric.removeRole(vmIdOf.parse(vmId));
    if (this.stopsVms) await this.node.shutDown(vmId);
  }

  /** Under the name of its VM where none is given. */
  async add(vmId: string, name: string | null): Promise<void> {
    const { name: vmName } = await this.node.own(vmId);
    const id = vmIdOf.parse(vmId);
    const taken = (await this.fabric.roles()).map((one) => [one.vmId, settingsOf(one).name] as const);
    const wanted = name ?? vmName;
    if (taken.some(([of, is]) => of === id || is.toLowerCase() === wanted.toLowerCase()))
      throw new HyperVRefusal('ResourceExists', `${wanted} is there already.`, 0x80071392 | 0);
    const { host } = this.fabric;
    await this.fabric.writeRole({ schema: 1, vmId: id, owner: host, settings: newRole(wanted), otherResources: [] });
    this.looksLeft = this.pendingLooks;
  }

  async set(vmId: string, given: { readonly [K in keyof RoleSettings]?: RoleSettings[K] | undefined }): Promise<void> {
    const role = await this.fabric.readRole(vmIdOf.parse(vmId));
    if (role === null) throw new HyperVRefusal('ObjectNotFound', `VM ${vmId} is no role.`, 0x8007138d | 0);
    const kept = Object.entries(given).filter(([name]) => !this.forgets.includes(name as keyof RoleSettings));
    const settings = { ...settingsOf(role), ...(Object.fromEntries(kept) as Partial<RoleSettings>) };
    await this.fabric.writeRole({ ...role, settings });
  }

  private get fabric() {
    const { fabric } = hostBehind(this.node.simulated);
    if (fabric === undefined) throw new HyperVRefusal('InvalidState', 'This host is no node of a cluster.');
    return fabric;
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
