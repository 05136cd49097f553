import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { filesBelow } from '../../agent/hyperv/files';
import { diskId, runId, vmId as vmIdOf } from '../../contracts/ids';
import { until } from '../../relay/testing/support';
import { exportedVm, exportHosts } from '../conformance/export-hosts';
import { asked, contentOf, exported, type Export, type ExportHosts } from '../conformance/hyperv-exports';
import { codeOf, perform, roomBytes, valueOf } from '../conformance/hyperv-move';
import { TestHosts, type HostName } from '../simulated/test-hosts';
import { describeWithEngine } from './engine';
import { standInOver, type StandInHost } from './stand-in/host';
import type { StandInCommand } from './stand-in/service';

// Every kill is the start of a PowerShell, on a machine that may be busy with others.
jest.setTimeout(1_200_000);

const run = runId.parse('export-r1');
const importing = runId.parse('import-r1');
const newId = vmIdOf.parse('99999999-2222-4333-8444-555555555555');

describeWithEngine('an export or import by the PowerShell driver', () => {
  const hosts = new TestHosts();
  const open = new Map<HostName, StandInHost>();
  let both: ExportHosts;
  beforeAll(() => hosts.make(exportedVm));
  beforeEach(async () => {
    both = await exportHosts(hosts, async (name) => {
      const host = await standInOver(await hosts.open(name), await hosts.hostFolder(name));
      open.set(name, host);
      return host.driver;
    });
    await hosts.whenAwake(standIn('source').hyperV.simulated);
  });
  afterEach(async () => {
    for (const host of open.values()) await host.close();
    open.clear();
    await hosts.close();
  });
  afterAll(() => hosts.remove());

  function standIn(name: HostName): StandInHost {
    const host = open.get(name);
    if (host === undefined) throw new Error(`${name} is not open`);
    return host;
  }
  const changesOf = (name: HostName, command: StandInCommand): number =>
    standIn(name).service.changes.filter((one) => one === command).length;
  const place = () => ({ vmId: both.vmId, folder: join(both.root, 'exports') });
  const whole = () => ({ ...place(), part: 'whole', vmCheckpointId: null }) as const;
  const reserve = async () => valueOf(await perform(both.host, run, 'reserve-vm', { vmId: both.vmId }));

  async function unpublishedIsRemoved(): Promise<void> {
    for (const kind of ['remove-unpublished', 'remove-unpublished'] as const)
      valueOf(await perform(both.host, run, kind, place()));
    valueOf(await perform(both.host, run, 'release', { vmId: both.vmId }));
    expect(await filesBelow(join(both.root, 'exports'))).toEqual([]);
    expect(await both.host.leftovers()).toEqual([]);
    expect(await both.host.vm(both.vmId)).toMatchObject({ state: 'running', vmCheckpointCount: 1 });
  }

  test('whose worker dies once its job runs goes on with that job, and with no second one', async () => {
    await reserve();
    standIn('source').service.killWorkerAt('export', 'after');
    expect(await perform(both.host, run, 'export-vm', whole())).toMatchObject({
      failure: { code: 'HyperVSilent', effect: 'unknown' },
    });
    expect(valueOf(await perform(both.host, run, 'export-vm', whole())).files).toBeGreaterThan(1);
    const changes = changesOf('source', 'export');
    // The job may have ended before the repeat looked: then nobody knows how, and it is made anew.
    expect([1, 2]).toContain(changes);
    valueOf(await perform(both.host, run, 'export-vm', whole()));
    expect(changesOf('source', 'export')).toBe(changes);
  });

  test('whose worker dies while its job is held follows the job that it finds at the VM', async () => {
    await reserve();
    const { hyperV, service } = standIn('source');
    let letGo = (): void => undefined;
    hyperV.exports.gate = new Promise((resolve) => (letGo = resolve));
    service.killWorkerAt('export', 'after');
    expect(codeOf(await perform(both.host, run, 'export-vm', whole()))).toBe('HyperVSilent');
    const again = perform(both.host, run, 'export-vm', whole());
    await until(
      'the repeat looks at the job',
      () => service.looks.filter((one) => one === 'export-jobs').length > 1,
      120_000,
    );
    letGo();
    expect(valueOf(await again).files).toBeGreaterThan(1);
    expect(changesOf('source', 'export')).toBe(1);
  });

  test('whose worker dies before its job began is begun by the repeat', async () => {
    await reserve();
    standIn('source').service.killWorkerAt('export', 'before');
    expect(codeOf(await perform(both.host, run, 'export-vm', whole()))).toBe('HyperVSilent');
    valueOf(await perform(both.host, run, 'export-vm', whole()));
    expect(changesOf('source', 'export')).toBe(1);
  });

  test('that is canceled ends its job before it says so, and leaves nothing once it is undone', async () => {
    await reserve();
    const { hyperV, service } = standIn('source');
    hyperV.exports.gate = new Promise(() => undefined);
    const stop = new AbortController();
    const context = { runId: run, signal: stop.signal, report: () => undefined };
    const under = both.host.perform('export-vm', context, whole());
    await until('the job is looked at', () => service.looks.includes('export-jobs'), 120_000);
    stop.abort();
    expect(await under).toMatchObject({ failure: { code: 'CanceledByOperator', effect: 'applied' } });
    expect(hyperV.exports.list()).toMatchObject([{ state: 8 }]);
    await unpublishedIsRemoved();
  });

  test('that is undone while its job still writes ends the job before anything is removed', async () => {
    await reserve();
    const { hyperV, service } = standIn('source');
    hyperV.exports.gate = new Promise(() => undefined);
    service.killWorkerAt('export', 'after');
    expect(codeOf(await perform(both.host, run, 'export-vm', whole()))).toBe('HyperVSilent');
    expect((await both.host.leftovers(run)).map(({ what }) => what)).toContain('partial-disk');
    await unpublishedIsRemoved();
    expect(hyperV.exports.list()).toMatchObject([{ state: 8 }]);
  });

  test('whose job fails tells the error of the job, and is made anew by a repeat', async () => {
    await reserve();
    const { hyperV } = standIn('source');
    hyperV.exports.failing = { errorCode: 32_768, description: 'No room. (0x80070070)' };
    expect(await perform(both.host, run, 'export-vm', whole())).toMatchObject({
      failure: { code: 'DiskFull', effect: 'unknown', native: '0x80070070' },
    });
    hyperV.exports.forget();
    valueOf(await perform(both.host, run, 'export-vm', whole()));
    expect(changesOf('source', 'export')).toBe(2);
    await unpublishedIsRemoved();
  });

  test('captures a VM that runs as it is, and with the help of its guest where the VM is set to nothing less', async () => {
    const { hyperV } = standIn('source');
    await exported(both, 'whole');
    hyperV.checkpointType = 'ProductionOnly';
    await exported(both, 'whole', runId.parse('export-r2'), 'more exports');
    expect(hyperV.exports.asked.map(({ captures }) => captures)).toEqual([0, 2]);
  });

  const copied = async (): Promise<{ there: Export; before: Record<string, string> }> => {
    const { folder, id } = await exported(both, 'whole');
    const there = { folder: join(both.otherRoot, 'plain copy'), id };
    await cp(folder, there.folder, { recursive: true });
    return { there, before: await contentOf(there.folder) };
  };
  const compare = (input: ReturnType<typeof asked>) => perform(both.other, importing, 'compare-import', input);

  test('whose comparison is cut short leaves a plan that is found by its folder and removed, and no other is', async () => {
    const { there } = await copied();
    const { hyperV, service } = standIn('destination');
    const file = join(there.folder, 'Virtual Machines', `${there.id.toUpperCase()}.vmcx`);
    const ofAnother = await hyperV.registrations.plan(file, true, null);
    const plans = () => hyperV.registrations.plannedVms().map(({ id }) => id);
    service.killWorkerAt('plan', 'after');
    service.killWorkerAt('destroy', 'before');
    expect(await compare(asked(both.otherRoot, there))).toMatchObject({
      failure: { code: 'HyperVSilent', effect: 'none' },
    });
    expect(plans()).toHaveLength(2);
    expect(await both.other.leftovers()).toEqual([]);
    expect(plans()).toEqual([ofAnother]);
    service.killWorkerAt('incompatibilities', 'after');
    expect(codeOf(await compare(asked(both.otherRoot, there)))).toBe('HyperVSilent');
    valueOf(await compare(asked(both.otherRoot, there)));
    expect(plans()).toEqual([ofAnother]);
  });

  test.each(['same', 'new'] as const)(
    'as a copy under the %s id goes on where its workers died, registers one VM, and leaves no plan',
    async (id) => {
      const { there } = await copied();
      const { hyperV, service } = standIn('destination');
      const input = asked(both.otherRoot, there, { vmId: id === 'new' ? newId : there.id, name: 'clone' });
      const { vmId, folder } = input;
      const inPlace = { vmId, folder };
      valueOf(await perform(both.other, importing, 'reserve-room', { ...inPlace, roomBytes, memoryBytes: 0 }));
      valueOf(await perform(both.other, importing, 'place-vm', { ...inPlace, vmName: 'clone' }));
      await killing('destination', [['plan', 'after']], () => perform(both.other, importing, 'copy-import', input));
      await killing(
        'destination',
        [
          ['set-planned-disk', 'after'],
          ['destroy', 'before'],
        ],
        () => perform(both.other, importing, 'import-configuration', { ...inPlace, switchName: null }),
      );
      const { registeredAs = vmId } = await killing(
        'destination',
        [
          ['plan', 'after'],
          ['set-planned-switch', 'after'],
          ['realize', 'before'],
          ['realize', 'after'],
          ['rename', 'before'],
          ['rename', 'after'],
          ['set-notes', 'after'],
          ['start', 'before'],
          ['start', 'after'],
        ],
        () => perform(both.other, importing, 'start-vm', { ...inPlace, power: 'start' }),
      );
      expect(service.faultCount).toBe(0);
      expect(registeredAs === vmId).toBe(id === 'same');
      expect((await both.other.vms()).map((vm) => [vm.vmId, vm.name, vm.state])).toEqual([
        [registeredAs, 'clone', 'running'],
      ]);
      expect(changesOf('destination', 'realize')).toBe(1);
      valueOf(await perform(both.other, importing, 'release', { vmId }));
      expect(hyperV.registrations.plannedVms()).toEqual([]);
      expect(await both.other.leftovers()).toEqual([]);
    },
  );

  type Kill = readonly [command: StandInCommand, when: 'before' | 'after'];

  /** Asks again after each kill until it succeeds. */
  async function killing<T>(
    name: HostName,
    kills: readonly Kill[],
    work: () => Promise<{ ok: true; value: T } | { ok: false; failure: { code: string } }>,
  ): Promise<T> {
    for (const [command, when] of kills) {
      standIn(name).service.killWorkerAt(command, when);
      expect([command, when, codeOf((await work()) as never)]).toEqual([command, when, 'HyperVSilent']);
    }
    return valueOf((await work()) as never);
  }

  test.each([
    ['same', 'the worker died'],
    ['new', 'the worker died'],
    ['new', 'it was not seen any more'],
  ] as const)(
    'in place under the %s id, undone once Hyper-V has registered it and %s, leaves the folder as it was',
    async (id, why) => {
      const { there, before } = await copied();
      const { hyperV, service } = standIn('destination');
      const input = asked('', there, { vmId: id === 'new' ? newId : there.id, folder: there.folder });
      const inPlace = { vmId: input.vmId, folder: there.folder };
      valueOf(await perform(both.other, importing, 'adopt-import', input));
      const isKilled = why === 'the worker died';
      if (isKilled) service.killWorkerAt('realize', 'after');
      else service.refuseLooksAfter('realize');
      const failure = isKilled
        ? { code: 'HyperVSilent', effect: 'unknown' }
        : { code: 'AccessDenied', effect: 'applied' };
      expect(await perform(both.other, importing, 'start-vm', inPlace)).toMatchObject({ failure });
      service.seeAgain();
      expect((await both.other.vms()).filter(({ state }) => state !== 'planned')).toHaveLength(1);
      for (const kind of ['remove-placeholder', 'remove-placeholder'] as const)
        valueOf(await perform(both.other, importing, kind, inPlace));
      valueOf(await perform(both.other, importing, 'release', { vmId: input.vmId }));
      expect(await both.other.vms()).toEqual([]);
      expect(await contentOf(there.folder)).toEqual(before);
      expect(await both.other.leftovers()).toEqual([]);
      expect(hyperV.registrations.plannedVms()).toEqual([]);
    },
  );

  test('of saved memory that the host cannot use says that the VM starts cold, and then it does', async () => {
    valueOf(await perform(both.host, run, 'reserve-vm', { vmId: both.vmId }));
    valueOf(await perform(both.host, run, 'save-vm', { vmId: both.vmId }));
    const { there } = await copied();
    standIn('destination').hyperV.registrations.refusesMemory = true;
    const input = asked('', there, { vmId: there.id, folder: there.folder });
    const { fixUps } = valueOf(await compare(input));
    expect(fixUps.map(({ what }) => what).sort()).toEqual(['saved-state', 'switch']);
    valueOf(await perform(both.other, importing, 'adopt-import', input));
    valueOf(await perform(both.other, importing, 'start-vm', { vmId: there.id, folder: there.folder, power: 'leave' }));
    expect(await both.other.vm(there.id)).toMatchObject({ state: 'off' });
  });

  test('that Hyper-V refuses for a reason that nobody knows is refused with its number and its words', async () => {
    const { there } = await copied();
    const { hyperV } = standIn('destination');
    hyperV.registrations.otherIncompatibility = 40_008;
    expect(await compare(asked(both.otherRoot, there))).toMatchObject({
      failure: {
        code: 'HyperVRefused',
        effect: 'none',
        native: 'message 40008',
        message: expect.stringContaining('Nobody knows what this is. (message 40008)') as string,
      },
    });
    expect(hyperV.registrations.plannedVms()).toEqual([]);
  });

  test('is described before it: what stands in the folder, who uses it, and what would change', async () => {
    const { folder, id } = await exported(both, 'whole');
    const about = { contract: 1, runId: null, vmId: newId, vmName: null, describesVm: false } as const;
    const input = asked(both.root, { folder, id }, { name: 'clone' });
    const told = await both.host.inspect({ ...about, folder: join(both.root, 'exports'), imports: input });
    const expected = await standIn('source').hyperV.simulated.inspect({ ...about, folder: null, imports: null });
    expect(expected.imports).toBeNull();
    expect(told.imports).toMatchObject({
      found: true,
      vmName: 'clone',
      processorCount: expect.any(Number) as number,
      configurationVersion: expect.stringMatching(/^\d+\.\d+$/) as string,
      memoryBytes: exportedVm.memoryBytes,
      usedBy: null,
    });
    const named = { ...about, vmName: 'web01', folder: join(both.root, 'exports'), imports: null };
    expect((await both.host.inspect(named)).place).toMatchObject({ exportThere: { known: true, value: folder } });
    const used = (await both.host.vm(both.vmId))?.disks[0]?.path ?? '';
    const inUse = { ...input, diskPaths: [{ diskId: diskId.parse('scsi-0-0'), path: used }] };
    expect((await both.host.inspect({ ...about, folder: null, imports: inUse })).imports).toMatchObject({
      found: true,
      usedBy: 'web01',
    });
    const none = await both.host.inspect({ ...about, folder: null, imports: { ...input, exportedVmId: newId } });
    expect(none.imports).toMatchObject({ found: false, failure: { code: 'NotFound' } });
  });
});
