import type { DriverOperationKind, HyperVDriver } from '../../agent/hyperv/driver';
import { hostId, runId } from '../../contracts/ids';
import type { OperationInput } from '../../contracts/operations';
import type { ClusterHosts, ClusterHostsFor } from './hyperv-hypervisor-moves';
import { codeOf, perform, valueOf } from './hyperv-move';

const run = runId.parse('roles-r1');
const other = runId.parse('roles-other-r1');
const hostA = hostId.parse('host-a');

/** A quick migration step by step, as its itinerary takes them. */
export class QuickMove {
  constructor(readonly hosts: ClusterHosts) {}

  on<K extends DriverOperationKind>(driver: HyperVDriver, kind: K, input: Omit<OperationInput<K>, 'vmId'>) {
    return perform(driver, run, kind, { ...input, vmId: this.hosts.vmId } as OperationInput<K>);
  }

  async admit(): Promise<void> {
    const { a, b } = this.hosts;
    valueOf(await this.on(a, 'reserve-vm', {}));
    const needs = valueOf(await this.on(a, 'describe-vm', {}));
    valueOf(await this.on(b, 'admit-vm', { needs, brings: { type: 'memory' } }));
  }
  async save(): Promise<void> {
    valueOf(await this.on(this.hosts.a, 'save-vm', {}));
  }
  failover() {
    return this.on(this.hosts.a, 'move-role', { peerHost: this.hosts.hostB });
  }
  start() {
    return this.on(this.hosts.b, 'start-role', {});
  }
  handBack() {
    return this.on(this.hosts.b, 'return-role', { peerHost: hostA });
  }

  /** What the undo of all phases before the pivot does, in reverse. */
  async undo(): Promise<void> {
    const { a, b } = this.hosts;
    valueOf(await this.on(a, 'locate-vm', { folder: null }));
    valueOf(await this.handBack());
    valueOf(await this.on(a, 'resume-vm', {}));
    valueOf(await this.on(b, 'withdraw-vm', {}));
    await this.release();
  }

  async release(): Promise<void> {
    for (const driver of [this.hosts.a, this.hosts.b]) valueOf(await this.on(driver, 'release', {}));
  }

  async beats(driver: HyperVDriver): Promise<void> {
    valueOf(await this.on(driver, 'await-heartbeat', { waitMsMax: 60_000 }));
  }

  async leftovers(): Promise<unknown[]> {
    return [...(await this.hosts.a.leftovers()), ...(await this.hosts.b.leftovers())];
  }
}

/** What both drivers must do with the role of a saved VM. */
export function describeRoles(name: string, hostsFor: ClusterHostsFor): void {
  describe(`${name}: the role of a saved VM`, () => {
    test('goes to the other node and is started there, and nowhere else, and nothing is left', async () => {
      const hosts = await hostsFor('shared');
      const move = new QuickMove(hosts);
      await move.admit();
      await move.save();
      valueOf(await move.failover());
      expect(await hosts.a.vm(hosts.vmId)).toBeUndefined();
      expect(await hosts.b.vm(hosts.vmId)).toMatchObject({ state: 'saved', reservedBy: run });
      const first = valueOf(await move.start());
      expect(valueOf(await move.start())).toEqual(first);
      await move.beats(hosts.b);
      expect(await move.handBack()).toMatchObject({ failure: { code: 'RefusedAfterStart', effect: 'none' } });
      await move.release();
      expect(await hosts.b.vm(hosts.vmId)).toMatchObject({ state: 'running', reservedBy: null });
      expect(await hosts.a.vms()).toEqual([]);
      expect(await move.leftovers()).toEqual([]);
    });

    test.each(['admit', 'save', 'failover'] as const)('undone after %s, twice over, is where it was', async (last) => {
      const hosts = await hostsFor('shared');
      const move = new QuickMove(hosts);
      await move.admit();
      if (last !== 'admit') await move.save();
      if (last === 'failover') valueOf(await move.failover());
      await move.undo();
      await move.undo();
      await move.beats(hosts.a);
      expect(await hosts.a.vm(hosts.vmId)).toMatchObject({ state: 'running', reservedBy: null });
      expect(await hosts.b.vms()).toEqual([]);
      expect(await move.leftovers()).toEqual([]);
    });

    test('stays while its VM runs, or where another run holds it', async () => {
      const hosts = await hostsFor('shared');
      const move = new QuickMove(hosts);
      expect(codeOf(await move.failover())).toBe('VmStateWrong');
      await move.admit();
      expect(await move.failover()).toMatchObject({ failure: { code: 'VmStateWrong', effect: 'none' } });
      const rival = { vmId: hosts.vmId, peerHost: hosts.hostB };
      expect(codeOf(await perform(hosts.a, other, 'move-role', rival))).toBe('VmBusy');
      expect(codeOf(await perform(hosts.a, other, 'start-role', { vmId: hosts.vmId }))).toBe('VmStateWrong');
      expect(codeOf(await perform(hosts.a, other, 'return-role', rival))).toBe('VmStateWrong');
      expect(codeOf(await move.start())).toBe('VmNotFound');
      await move.undo();
      expect(await move.leftovers()).toEqual([]);
    });
  });
}
