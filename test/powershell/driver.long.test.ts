import type { TranscriptEntry } from '../../agent/hyperv/powershell/worker/transcript';
import { runId } from '../../contracts/ids';
import { codeOf, perform, valueOf } from '../conformance/hyperv-move';
import { TestHosts } from '../simulated/test-hosts';
import { describeWithEngine } from './engine';
import { sidOf } from './stand-in/commands';
import { standInOver, type StandInHost } from './stand-in/host';

const run = runId.parse('powershell-r1');

describeWithEngine('the PowerShell driver over the stand-in', () => {
  const hosts = new TestHosts();
  const transcript: TranscriptEntry[] = [];
  let host: StandInHost;
  beforeAll(() => hosts.make());
  beforeEach(async () => {
    const simulated = await hosts.open('source');
    await hosts.whenAwake(simulated);
    transcript.length = 0;
    host = await standInOver(simulated, await hosts.hostFolder('source'), (entry) => void transcript.push(entry));
  });
  afterEach(async () => {
    await host.close();
    await hosts.close();
  });
  afterAll(() => hosts.remove());
  const on = (...[kind, input]: [Parameters<typeof perform>[2], object]) =>
    perform(host.driver, run, kind, { vmId: hosts.vmId, ...input });
  const calls = () => transcript.map(({ call }) => call);

  test('tells of host and VM what the host itself tells, in one round trip each', async () => {
    const { simulated } = host.hyperV;
    const facts = await host.driver.host();
    const expected = await simulated.host();
    expect(facts).toMatchObject({ memoryBytes: expected.memoryBytes, switches: expected.switches });
    expect(facts.volumes.map(({ root }) => root)).toEqual(expected.volumes.map(({ root }) => root));
    const vm = await host.driver.vm(hosts.vmId);
    const told = await simulated.vm(hosts.vmId);
    const { configurationPath: _, disks: toldDisks = [], ...plain } = told ?? {};
    expect(vm).toMatchObject(plain);
    const shape = (disks: typeof toldDisks) =>
      disks.map(({ diskId, path, virtualSizeBytes, images }) => [
        diskId,
        path,
        virtualSizeBytes,
        images.map((image) => [image.path, image.kind]),
      ]);
    expect(shape(vm?.disks ?? [])).toEqual(shape(toldDisks));
    expect(await host.driver.vms()).toEqual([vm]);
    expect(calls()).toEqual(['read-host', 'read-vms', 'read-vms']);
  });

  test('a VM that goes while it is looked at is not there, and hides no other', async () => {
    host.hyperV.vanishing = { vmId: hosts.vmId, listed: false };
    expect(await host.driver.vms()).toEqual([]);
    expect(await host.driver.vm(hosts.vmId)).toBeUndefined();
    host.hyperV.vanishing = undefined;
    expect(await host.driver.vms()).toHaveLength(1);
  });

  test.each([
    ['before', 'take-vm-checkpoint', 'take-checkpoint'],
    ['after', 'take-vm-checkpoint', 'take-checkpoint'],
    ['before', 'save-vm', 'save'],
    ['after', 'save-vm', 'save'],
  ] as const)(
    'a worker killed %s Hyper-V did its part of %s leaves the effect unknown, and the repeat finds the truth',
    async (when, kind, command) => {
      valueOf(await on('reserve-vm', {}));
      host.service.killWorkerAt(command, when);
      expect(await on(kind, {})).toMatchObject({
        failure: { code: 'HyperVSilent', effect: 'unknown', retry: 'transient' },
      });
      expect(await on(kind, {})).toMatchObject({ ok: true });
      expect(await on(kind, {})).toMatchObject({ ok: true });
      expect(host.service.changes.filter((one) => one === command)).toHaveLength(1);
    },
  );

  test('a fenced VM starts for nobody, and its fence is taken back whole', async () => {
    for (const kind of ['reserve-vm', 'save-vm', 'fence-vm', 'fence-vm'] as const) valueOf(await on(kind, {}));
    const { disks = [] } = (await host.driver.vm(hosts.vmId)) ?? {};
    for (const { path } of disks) expect(await host.hyperV.denials(path)).toEqual([sidOf(hosts.vmId)]);
    await expect(host.hyperV.start(hosts.vmId)).rejects.toThrow('may not open');
    for (const kind of ['unfence-vm', 'unfence-vm', 'resume-vm'] as const) valueOf(await on(kind, {}));
    for (const { path } of disks) expect(await host.hyperV.denials(path)).toEqual([]);
    expect(await host.driver.vm(hosts.vmId)).toMatchObject({ state: 'running', fencedBy: null });
  });

  test.each(['before', 'after'] as const)(
    'a worker killed %s a denial leaves a mark by which it is taken back',
    async (when) => {
      for (const kind of ['reserve-vm', 'save-vm'] as const) valueOf(await on(kind, {}));
      host.service.killWorkerAt('set-denial', when);
      expect(await on('fence-vm', {})).toMatchObject({ failure: { code: 'HyperVSilent', effect: 'unknown' } });
      expect(await host.driver.vm(hosts.vmId)).toMatchObject({ fencedBy: run });
      for (const kind of ['unfence-vm', 'resume-vm', 'release'] as const) valueOf(await on(kind, {}));
      expect(await host.driver.leftovers()).toEqual([]);
    },
  );

  test('a denial that Windows does not keep is no fence, and leaves no mark', async () => {
    for (const kind of ['reserve-vm', 'save-vm'] as const) valueOf(await on(kind, {}));
    host.hyperV.keepsDenials = false;
    expect(await on('fence-vm', {})).toMatchObject({ failure: { code: 'HyperVRefused', effect: 'none' } });
    expect(await host.driver.vm(hosts.vmId)).toMatchObject({ state: 'saved', fencedBy: null, reservedBy: run });
  });

  test('a start whose reply is lost is still the end of this run\u2019s outage', async () => {
    valueOf(await on('reserve-vm', {}));
    valueOf(await on('save-vm', {}));
    host.service.killWorkerAt('start', 'after');
    expect(codeOf(await on('resume-vm', {}))).toBe('HyperVSilent');
    const { outageMs } = valueOf(await on('resume-vm', {})) as { outageMs: number | null };
    expect(outageMs).toBeGreaterThan(0);
    expect(valueOf(await on('resume-vm', {}))).toEqual({ outageMs });
    expect(await host.driver.vm(hosts.vmId)).toMatchObject({ state: 'running' });
  });

  test('a VM that somebody else stopped is not started', async () => {
    await host.hyperV.save(hosts.vmId);
    expect(valueOf(await on('resume-vm', {}))).toEqual({ outageMs: null });
    expect(await host.driver.vm(hosts.vmId)).toMatchObject({ state: 'saved' });
  });

  test('notes that a person changes between look and write are not overwritten', async () => {
    await host.hyperV.setNotes(hosts.vmId, 'important');
    valueOf(await on('reserve-vm', {}));
    const [vm] = await host.hyperV.vms();
    expect(vm?.notes).toBe(`important\n[hyperferry reserved=${run}]`);
    valueOf(await on('release', {}));
    expect((await host.hyperV.vms())[0]?.notes).toBe('important');
  });

  test('VM checkpoints that are disabled are refused before anything is asked', async () => {
    host.hyperV.checkpointType = 'Disabled';
    valueOf(await on('reserve-vm', {}));
    expect(await on('take-vm-checkpoint', {})).toMatchObject({ failure: { code: 'VmStateWrong', effect: 'none' } });
    expect(host.service.changes).toEqual(['set-notes']);
  });
});
