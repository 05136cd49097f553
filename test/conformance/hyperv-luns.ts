import type { DriverOperationKind, HyperVDriver } from '../../agent/hyperv/driver';
import type { HostSpec } from '../../agent/hyperv/simulated';
import type { Outcome } from '../../contracts/failure';
import { runId } from '../../contracts/ids';
import type { OperationInput, OperationOutput } from '../../contracts/operations';
import type { ClusterHosts, ClusterHostsFor } from './hyperv-hypervisor-moves';
import { codeOf, perform, valueOf } from './hyperv-move';

const run = runId.parse('luns-r1');
const other = runId.parse('luns-other-r1');
const lun = 'lun1';
const mib = 1024 ** 2;

export const sanSteps = [
  'admit',
  'save',
  'fence',
  'write-configuration',
  'detach',
  'attach',
  'register',
  'start',
] as const;
export type SanStep = (typeof sanSteps)[number];

/** A SAN migration step by step, as its itinerary takes them. */
export class SanMove {
  private folder = '';

  constructor(readonly hosts: ClusterHosts) {}

  on<K extends DriverOperationKind>(driver: HyperVDriver, kind: K, input: Omit<OperationInput<K>, 'vmId'>) {
    return perform(driver, run, kind, { ...input, vmId: this.hosts.vmId } as OperationInput<K>);
  }

  async needs(): Promise<OperationOutput<'describe-vm'>> {
    valueOf(await this.on(this.hosts.a, 'reserve-vm', {}));
    const needs = valueOf(await this.on(this.hosts.a, 'describe-vm', {}));
    this.folder = needs.storage?.folder ?? '';
    return needs;
  }

  async attempt(
    step: SanStep,
    { switchName = null }: { readonly switchName?: string | null } = {},
  ): Promise<Outcome<unknown>> {
    const { a, b } = this.hosts;
    switch (step) {
      case 'admit':
        return this.on(b, 'admit-vm', { needs: await this.needs(), brings: { type: 'lun', name: lun, switchName } });
      case 'save':
        return this.on(a, 'save-vm', {});
      case 'fence':
        return this.on(a, 'fence-vm', {});
      case 'write-configuration':
        return this.on(a, 'write-configuration', {});
      case 'detach':
        return this.on(a, 'detach-lun', { lun });
      case 'attach':
        return this.on(b, 'attach-lun', { lun });
      case 'register':
        return this.on(b, 'register-vm', { folder: this.folder, switchName });
      case 'start':
        return this.on(b, 'start-vm', { folder: this.folder });
    }
  }

  /** All steps up to that one. */
  async upTo(last: SanStep): Promise<void> {
    for (const step of sanSteps.slice(0, sanSteps.indexOf(last) + 1)) valueOf(await this.attempt(step));
  }

  /** What the undo of all phases before the pivot does, in reverse. */
  async undo(): Promise<void> {
    for (const attempt of this.undos()) valueOf(await attempt());
  }

  undos(): (() => Promise<Outcome<unknown>>)[] {
    const { a, b } = this.hosts;
    return [
      () => this.on(b, 'unregister-vm', {}),
      () => this.on(b, 'surrender-lun', {}),
      () => this.on(a, 'reattach-lun', {}),
      () => this.on(a, 'remove-configuration', {}),
      () => this.on(a, 'unfence-vm', {}),
      () => this.on(a, 'resume-vm', {}),
      () => this.on(b, 'withdraw-vm', {}),
      () => this.on(b, 'release', {}),
      () => this.on(a, 'release', {}),
    ];
  }

  async finish(): Promise<void> {
    await this.beats(this.hosts.b);
    valueOf(await this.on(this.hosts.a, 'forget-source', {}));
    for (const driver of [this.hosts.a, this.hosts.b]) valueOf(await this.on(driver, 'release', {}));
  }

  async beats(driver: HyperVDriver): Promise<void> {
    valueOf(await this.on(driver, 'await-heartbeat', { waitMsMax: 120_000 }));
  }

  /** The VM runs on that host, on the disks that it had, and the other host has nothing of it. */
  async expectOn(name: 'a' | 'b', paths: readonly string[]): Promise<void> {
    const { a, b, vmId } = this.hosts;
    const [here, there] = name === 'a' ? [a, b] : [b, a];
    await this.beats(here);
    const vm = await here.vm(vmId);
    expect(vm).toMatchObject({ state: 'running', reservedBy: null, fencedBy: null });
    expect(vm?.disks.map(({ path }) => path)).toEqual(paths);
    expect(await there.vms()).toEqual([]);
    expect([...(await a.leftovers()), ...(await b.leftovers())]).toEqual([]);
  }

  async paths(): Promise<string[]> {
    return (await this.hosts.a.vm(this.hosts.vmId))?.disks.map(({ path }) => path) ?? [];
  }
}

/** What both drivers must do with a LUN and the VM on it. */
export function describeLuns(name: string, hostsFor: ClusterHostsFor): void {
  describe(`${name}: a LUN with a VM on it`, () => {
    test('goes over when each operation is asked twice, and the VM runs there and nothing is left', async () => {
      const move = new SanMove(await hostsFor('lun'));
      const paths = await move.paths();
      for (const step of sanSteps) {
        const first = valueOf(await move.attempt(step));
        // A stop that was noted is answered by what is noted; sizes may be told anew.
        const second = valueOf(await move.attempt(step));
        if (step !== 'save') expect(second).toEqual(first);
      }
      await move.finish();
      valueOf(await move.on(move.hosts.a, 'forget-source', {}));
      await move.expectOn('b', paths);
    });

    test.each(sanSteps.slice(0, -1))('undone after %s, twice over, is where it was and the VM runs', async (last) => {
      const move = new SanMove(await hostsFor('lun'));
      const paths = await move.paths();
      await move.upTo(last);
      await move.undo();
      await move.undo();
      await move.expectOn('a', paths);
    });

    test('that came back goes over after all, and back again by another run', async () => {
      const hosts = await hostsFor('lun');
      const move = new SanMove(hosts);
      const paths = await move.paths();
      await move.upTo('register');
      await move.undo();
      await move.upTo('start');
      await move.finish();
      await move.expectOn('b', paths);
      const back = new SanMove({ ...hosts, a: hosts.b, b: hosts.a });
      await back.upTo('start');
      await back.finish();
      await back.expectOn('b', paths);
    });

    describeRefusals(hostsFor);
  });
}

function describeRefusals(hostsFor: ClusterHostsFor): void {
  const isRefused = (code: string) => ({ ok: false, failure: { code, effect: 'none' } });

  test('is not taken while the other host has it, nor given up under a VM that could run', async () => {
    const move = new SanMove(await hostsFor('lun'));
    const paths = await move.paths();
    const { a, b, vmId } = move.hosts;
    await move.upTo('admit');
    expect(await move.attempt('write-configuration')).toMatchObject(isRefused('VmStateWrong'));
    expect(await move.attempt('detach')).toMatchObject(isRefused('LunBusy'));
    valueOf(await move.attempt('save'));
    valueOf(await move.attempt('fence'));
    valueOf(await move.attempt('write-configuration'));
    expect(codeOf(await perform(a, other, 'detach-lun', { vmId, lun }))).toMatch(/^(?:VmFenced|LunBusy)$/);
    expect(await move.on(a, 'detach-lun', { lun: 'lun9' })).toMatchObject(isRefused('LunMissing'));
    expect(await move.attempt('attach')).toMatchObject(isRefused('LunBusy'));
    // Its folder is nowhere before the LUN is here.
    expect(codeOf(await move.attempt('register'))).toMatch(/^(?:LunBusy|PathOutsideRoots)$/);
    expect(await move.on(a, 'forget-source', {})).toMatchObject(isRefused('VmStateWrong'));
    valueOf(await move.attempt('detach'));
    valueOf(await move.attempt('attach'));
    expect(await move.on(a, 'reattach-lun', {})).toMatchObject(isRefused('LunBusy'));
    const astray = await move.attempt('register', { switchName: 'no such switch' });
    expect(astray).toMatchObject(isRefused('SwitchMissing'));
    expect(await b.vm(vmId)).toBeUndefined();
    await move.undo();
    await move.expectOn('a', paths);
  });

  test('is not given back once the VM was started from it', async () => {
    const move = new SanMove(await hostsFor('lun'));
    const paths = await move.paths();
    await move.upTo('start');
    const { b } = move.hosts;
    expect(await move.on(b, 'unregister-vm', {})).toMatchObject(isRefused('RefusedAfterStart'));
    expect(await move.on(b, 'surrender-lun', {})).toMatchObject(isRefused('RefusedAfterStart'));
    await move.finish();
    await move.expectOn('b', paths);
  });

  test.each<[string, HostSpec, string]>([
    ['too little memory', { memoryBytes: mib / 2 }, 'NotEnoughMemory'],
    ['no such switch', { switches: ['DMZ'] }, 'SwitchMissing'],
    ['no such configuration version', { configurationVersions: ['8.0'] }, 'ConfigurationVersionUnsupported'],
    ['a processor that has less', { processor: { maker: 'GenuineIntel', features: [] } }, 'ProcessorIncompatible'],
  ])('is not admitted by a host with %s', async (_what, b, code) => {
    const move = new SanMove(await hostsFor('lun', b));
    expect(await move.attempt('admit')).toMatchObject(isRefused(code));
    expect(await move.hosts.b.leftovers()).toEqual([]);
  });

  test('is admitted where a switch that is not there is mapped to one that is, and not where that is not there either', async () => {
    const move = new SanMove(await hostsFor('lun', { switches: ['DMZ'] }));
    expect(await move.attempt('admit', { switchName: 'Lab' })).toMatchObject(isRefused('SwitchMissing'));
    valueOf(await move.attempt('admit', { switchName: 'DMZ' }));
  });

  test('is not admitted where the SAN does not show it, nor where the VM has files beside it', async () => {
    const hosts = await hostsFor('lun');
    const move = new SanMove(hosts);
    const needs = await move.needs();
    expect(needs.storage).toMatchObject({ type: 'lun', name: lun });
    const elsewhere = needs.storage && { ...needs.storage, name: 'lun9' };
    const asked = { needs: { ...needs, storage: elsewhere }, brings: { type: 'lun', name: 'lun9' } as const };
    expect(await move.on(hosts.b, 'admit-vm', asked)).toMatchObject(isRefused('LunMissing'));
    const own = { needs: { ...needs, storage: null }, brings: { type: 'lun', name: lun } as const };
    expect(await move.on(hosts.b, 'admit-vm', own)).toMatchObject(isRefused('LunMissing'));
    expect(await hosts.b.leftovers()).toEqual([]);
  });
}
