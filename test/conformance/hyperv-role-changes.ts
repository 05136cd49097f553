import type { HyperVDriver } from '../../agent/hyperv/driver';
import { runId, vmId, type RunId } from '../../contracts/ids';
import type { RoleSettings } from '../../contracts/operations';
import { sampleRole } from '../samples/operation-outputs';
import type { FabricSite } from '../simulated/fabric-site';
import { ClusterMove, type ClusterHosts } from './hyperv-hypervisor-moves';
import { codeOf, perform, valueOf } from './hyperv-move';

export type RoleHosts = ClusterHosts & { readonly site: FabricSite };
export type RoleHostsFor = (...parts: Parameters<FabricSite['make']>) => Promise<RoleHosts>;

const run = runId.parse('role-changes-r1');
const other = runId.parse('role-changes-other-r1');
const anotherVm = vmId.parse('6f9619ff-8b86-d011-b42d-00c04fc964ff');

/** What a run does to the role of a VM at its source, step by step. */
class RoleChange {
  constructor(
    readonly hosts: RoleHosts,
    readonly by: RunId = run,
  ) {}

  reserve() {
    return perform(this.hosts.a, this.by, 'reserve-vm', { vmId: this.hosts.vmId });
  }
  remove() {
    return perform(this.hosts.a, this.by, 'remove-role', { vmId: this.hosts.vmId });
  }
  restore() {
    return perform(this.hosts.a, this.by, 'restore-role', { vmId: this.hosts.vmId });
  }
  make(settings: RoleSettings | null, at: HyperVDriver = this.hosts.b) {
    return perform(at, this.by, 'make-role', { vmId: this.hosts.vmId, settings });
  }
  release() {
    return perform(this.hosts.a, this.by, 'release', { vmId: this.hosts.vmId });
  }
  async state() {
    return (await this.hosts.a.vm(this.hosts.vmId))?.state;
  }
  async lost(): Promise<string[]> {
    return (await this.hosts.a.leftovers()).flatMap(({ what, detail }) => (what === 'removed-role' ? [detail] : []));
  }
}

/** A role whose every setting somebody has chosen, held by the run. */
async function chosenRole(hostsFor: RoleHostsFor): Promise<RoleChange> {
  const hosts = await hostsFor('shared');
  await hosts.site.setRole({ settings: sampleRole });
  const change = new RoleChange(hosts);
  valueOf(await change.reserve());
  return change;
}

/** What both drivers must do to the role of a VM that leaves its cluster, or comes to one. */
export function describeRoleChanges(name: string, hostsFor: RoleHostsFor): void {
  describe(`${name}: a role that a run removes`, () => {
    describeRemoval(hostsFor);
    describeRefusedRemoval(hostsFor);
  });
  describe(`${name}: a role that a run makes`, () => {
    describeMaking(hostsFor);
    describeRefusedMaking(hostsFor);
  });
}

function describeRemoval(hostsFor: RoleHostsFor): void {
  test('is told as it was set, and told the same again; the VM runs on', async () => {
    const change = await chosenRole(hostsFor);
    const first = valueOf(await change.remove());
    expect(first).toEqual({ removed: { clusterName: 'c1', settings: sampleRole } });
    expect(await change.hosts.site.role()).toBeNull();
    expect(valueOf(await change.remove())).toEqual(first);
    expect(await change.state()).toBe('running');
  });

  test('is restored as it was, twice over, and nothing is left', async () => {
    const change = await chosenRole(hostsFor);
    valueOf(await change.remove());
    for (let times = 0; times < 2; times++) valueOf(await change.restore());
    expect((await change.hosts.site.role())?.settings).toEqual(sampleRole);
    expect(await change.state()).toBe('running');
    valueOf(await change.release());
    expect(await change.hosts.a.leftovers()).toEqual([]);
  });

  test('with its owners limited to some nodes is limited to them again', async () => {
    const hosts = await hostsFor('shared');
    const settings = { ...sampleRole, preferredOwners: [], possibleOwners: ['host-a'] };
    await hosts.site.setRole({ settings });
    const change = new RoleChange(hosts);
    valueOf(await change.reserve());
    expect(valueOf(await change.remove()).removed?.settings).toEqual(settings);
    valueOf(await change.restore());
    expect((await hosts.site.role())?.settings).toEqual(settings);
  });

  test('of a VM that is saved is removed and restored too', async () => {
    const change = await chosenRole(hostsFor);
    const { vmId: id, a } = change.hosts;
    valueOf(await perform(a, run, 'save-vm', { vmId: id }));
    valueOf(await change.remove());
    valueOf(await change.restore());
    expect(await change.state()).toBe('saved');
    expect((await change.hosts.site.role())?.settings).toEqual(sampleRole);
  });

  test('and that a person has made anew meanwhile is set as it was', async () => {
    const change = await chosenRole(hostsFor);
    valueOf(await change.remove());
    await change.hosts.site.setRole({ settings: { ...sampleRole, priority: 2000, antiAffinityClassNames: [] } });
    valueOf(await change.restore());
    expect((await change.hosts.site.role())?.settings).toEqual(sampleRole);
  });

  test('whose name was taken meanwhile is made under another, and that is no success', async () => {
    const change = await chosenRole(hostsFor);
    const { site } = change.hosts;
    valueOf(await change.remove());
    await site.setRole({ settings: sampleRole }, anotherVm);
    expect(await change.restore()).toMatchObject({ failure: { code: 'RoleNotKept', effect: 'applied' } });
    const made = (await site.role())?.settings;
    expect(made).toMatchObject({ ...sampleRole, name: expect.not.stringMatching(sampleRole.name) as string });
    await site.setRole(null, anotherVm);
    await site.setRole({ settings: sampleRole });
    valueOf(await change.restore());
  });

  test('and that is restored by nobody stays told after the run, with all that was set, until it is there again', async () => {
    const change = await chosenRole(hostsFor);
    valueOf(await change.remove());
    valueOf(await change.release());
    const [told] = await change.lost();
    for (const part of ['c1', sampleRole.name, '3000', 'host-b', 'web']) expect(told).toContain(part);
    await change.hosts.site.setRole({});
    expect(await change.lost()).toEqual([]);
  });

  test('is none of a VM that is none, and there is nothing to restore', async () => {
    const change = new RoleChange(await hostsFor('own'));
    valueOf(await change.reserve());
    expect(valueOf(await change.remove())).toEqual({ removed: null });
    valueOf(await change.restore());
    expect(await change.hosts.site.role()).toBeNull();
    valueOf(await change.release());
    expect(await change.hosts.a.leftovers()).toEqual([]);
  });

  test('is none on a host that is no node of a cluster', async () => {
    const change = new RoleChange(await hostsFor('own', {}, {}, ['host-b']));
    valueOf(await change.reserve());
    expect(valueOf(await change.remove())).toEqual({ removed: null });
  });
}

function describeRefusedRemoval(hostsFor: RoleHostsFor): void {
  test('and that holds more than the VM is refused, and stays', async () => {
    const change = await chosenRole(hostsFor);
    for (const [one, shown] of [
      ['Network Name web', 'Network Name web'],
      ['Virtual Machine db', 'Virtual Machine db'],
    ] as const) {
      await change.hosts.site.setRole({ otherResources: [one] });
      const refused = await change.remove();
      expect(refused).toMatchObject({ failure: { code: 'RoleHoldsMore', effect: 'none' } });
      expect(refused.ok ? '' : refused.failure.message).toContain(shown);
    }
    expect((await change.hosts.site.role())?.settings).toEqual(sampleRole);
    // Nothing was noted: there is nothing to restore, and nothing is lost.
    valueOf(await change.restore());
    valueOf(await change.release());
    expect(await change.hosts.a.leftovers()).toEqual([]);
  });

  test('is not one whose VM another run holds, or nobody does', async () => {
    const hosts = await hostsFor('shared');
    const change = new RoleChange(hosts);
    expect(await change.remove()).toMatchObject({ failure: { code: 'VmStateWrong', effect: 'none' } });
    valueOf(await change.reserve());
    expect(codeOf(await new RoleChange(hosts, other).remove())).toBe('VmBusy');
    valueOf(await change.remove());
    // What one run removed is not another's to restore.
    valueOf(await new RoleChange(hosts, other).restore());
    expect(await hosts.site.role()).toBeNull();
    valueOf(await change.restore());
  });
}

/** Brings the VM to the other host, with its files in a folder of it. */
async function arrive(change: RoleChange, folder: string): Promise<ClusterMove> {
  const move = new ClusterMove({ ...change.hosts, folderOnB: folder }, 'whole', run);
  valueOf(await move.prepare());
  valueOf(await move.move());
  await move.beats(change.hosts.b);
  return move;
}

function describeMaking(hostsFor: RoleHostsFor): void {
  test('has what the source had, as far as it applies there, and is made once; nothing is left', async () => {
    const change = await chosenRole(hostsFor);
    const { site, b } = change.hosts;
    const removed = valueOf(await change.remove()).removed;
    if (removed === null) throw new Error('the VM was a role');
    const move = await arrive(change, site.sharedPath('elsewhere'));
    const settings = { ...removed.settings, preferredOwners: ['host-b', 'of-another'], possibleOwners: ['of-another'] };
    const first = valueOf(await change.make(settings));
    expect(first).toEqual({ clusterName: 'c1', name: sampleRole.name, without: ['preferredOwners', 'possibleOwners'] });
    expect(valueOf(await change.make(settings))).toEqual(first);
    const expected = { ...sampleRole, preferredOwners: ['host-b'], possibleOwners: null };
    expect(await site.role()).toMatchObject({ owner: 'host-b', settings: expected });
    expect(await b.vm(change.hosts.vmId)).toMatchObject({ state: 'running' });
    await move.release();
    expect(await move.leftovers()).toEqual([]);
  });

  test('of a VM that was none is as the cluster makes roles', async () => {
    const change = new RoleChange(await hostsFor('own'));
    const { site } = change.hosts;
    await arrive(change, site.sharedPath('elsewhere'));
    const { name } = (await change.hosts.b.vm(change.hosts.vmId)) ?? {};
    expect(valueOf(await change.make(null))).toEqual({ clusterName: 'c1', name, without: [] });
    expect(await site.role()).toMatchObject({ owner: 'host-b' });
  });

  test('has another name where its own is taken, and says so', async () => {
    const change = new RoleChange(await hostsFor('own'));
    const { site } = change.hosts;
    await site.setRole({ settings: { ...sampleRole, name: sampleRole.name.toUpperCase() } }, anotherVm);
    await arrive(change, site.sharedPath('elsewhere'));
    expect(valueOf(await change.make(sampleRole)).without).toEqual(['name']);
    expect((await site.role())?.settings?.name).not.toBe(sampleRole.name);
  });

  test('is left as it is where a person was first, and what differs is told', async () => {
    const change = new RoleChange(await hostsFor('own'));
    const { site } = change.hosts;
    await arrive(change, site.sharedPath('elsewhere'));
    const theirs = { ...sampleRole, name: 'theirs', priority: 1000 };
    await site.setRole({ owner: change.hosts.hostB, settings: theirs });
    expect(valueOf(await change.make(sampleRole))).toMatchObject({ name: 'theirs', without: ['name', 'priority'] });
    expect((await site.role())?.settings).toEqual(theirs);
  });
}

function describeRefusedMaking(hostsFor: RoleHostsFor): void {
  test('is none of a VM whose files are on no shared volume', async () => {
    const change = new RoleChange(await hostsFor('own'));
    await arrive(change, change.hosts.folderOnB);
    expect(await change.make(sampleRole)).toMatchObject({ failure: { code: 'StorageNotShared', effect: 'none' } });
    expect(await change.hosts.site.role()).toBeNull();
  });

  test('is none on a host that is no node of a cluster', async () => {
    const change = new RoleChange(await hostsFor('own', {}, {}, ['host-a']));
    await arrive(change, change.hosts.folderOnB);
    expect(await change.make(sampleRole)).toMatchObject({ failure: { code: 'NotClustered', effect: 'none' } });
  });

  test('is none of a VM that the run has not brought there, or that is not there', async () => {
    const change = new RoleChange(await hostsFor('own'));
    expect(codeOf(await change.make(sampleRole, change.hosts.a))).toBe('VmStateWrong');
    expect(codeOf(await change.make(sampleRole))).toBe('VmNotFound');
    valueOf(await perform(change.hosts.a, other, 'reserve-vm', { vmId: change.hosts.vmId }));
    expect(codeOf(await change.make(sampleRole, change.hosts.a))).toBe('VmBusy');
    expect(await change.hosts.site.role()).toBeNull();
  });
}
