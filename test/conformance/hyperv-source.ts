import { diskId, runId } from '../../contracts/ids';
import { codeOf, Move, perform, valueOf, type ConformanceHosts, type HostsFor } from './hyperv-move';

const run = runId.parse('conformance-r1');
const other = runId.parse('conformance-other-r1');
const image = (index: number) => ({ type: 'image', diskId: diskId.parse('scsi-0-0'), index }) as const;
const memory = { type: 'file', file: 'memory' } as const;

/** What a run does at the source before its fence, in order. */
const sourceSteps = ['reserve-vm', 'check-disks', 'take-vm-checkpoint', 'save-vm'] as const;
const undoSteps = ['resume-vm', 'remove-vm-checkpoint', 'release'] as const;

/** What must not change by a run that was undone: sizes may. */
const lasting = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value ?? null, (key, inner: unknown) =>
      ['fileSizeBytes', 'allocatedBytes'].includes(key) ? undefined : inner,
    ),
  );

const awake = async (hosts: ConformanceHosts): Promise<unknown> =>
  valueOf(await perform(hosts.source, run, 'await-heartbeat', { vmId: hosts.vmId, waitMsMax: 60_000 }));

/** The source's side of a move alone. */
export function describeSource(hostsFor: HostsFor): void {
  test('each operation of the source answers the same twice over, and tells the chain that it made', async () => {
    const hosts = await hostsFor('another-host');
    await awake(hosts);
    const { source, vmId } = hosts;
    for (const kind of sourceSteps) {
      const first = JSON.stringify(lasting(valueOf(await perform(source, run, kind, { vmId }))));
      expect(JSON.stringify(lasting(valueOf(await perform(source, run, kind, { vmId }))))).toBe(first);
    }
    const saved = await source.vm(vmId);
    expect(saved).toMatchObject({ state: 'saved', reservedBy: run, vmCheckpointCount: 1, heartbeat: 'none' });
    for (const { path, images } of saved?.disks ?? []) {
      expect(images.length).toBe(2);
      expect(images.at(-1)?.kind).toBe('differencing');
      expect(images.at(-1)?.path).toBe(path);
    }
  });

  test.each(sourceSteps)('undone after %s, twice over, the source is as it was', async (last) => {
    const hosts = await hostsFor('another-host');
    const { source, vmId } = hosts;
    await awake(hosts);
    const before = lasting(await source.vm(vmId));
    for (const kind of sourceSteps.slice(0, sourceSteps.indexOf(last) + 1))
      valueOf(await perform(source, run, kind, { vmId }));
    for (const kind of [...undoSteps, ...undoSteps]) valueOf(await perform(source, run, kind, { vmId }));
    await awake(hosts);
    expect(lasting(await source.vm(vmId))).toEqual(before);
    expect(await source.leftovers()).toEqual([]);
  });

  test('a saved VM tells its outage once it runs again, the same each time, and none to another run', async () => {
    const hosts = await hostsFor('another-host');
    const { source, vmId } = hosts;
    await awake(hosts);
    valueOf(await perform(source, run, 'reserve-vm', { vmId }));
    const { memoryFileBytes } = valueOf(await perform(source, run, 'save-vm', { vmId }));
    expect(memoryFileBytes).toBeGreaterThan(0);
    expect(valueOf(await perform(source, other, 'resume-vm', { vmId }))).toEqual({ outageMs: null });
    expect(await source.vm(vmId)).toMatchObject({ state: 'saved' });
    const resumed = valueOf(await perform(source, run, 'resume-vm', { vmId }));
    expect(resumed.outageMs).toBeGreaterThan(0);
    expect(valueOf(await perform(source, run, 'resume-vm', { vmId }))).toEqual(resumed);
    await awake(hosts);
  });

  test('what carries a mark is told as left over, of the run and of all', async () => {
    const { source, vmId } = await hostsFor('another-host');
    await perform(source, run, 'await-heartbeat', { vmId, waitMsMax: 60_000 });
    valueOf(await perform(source, run, 'reserve-vm', { vmId }));
    valueOf(await perform(source, run, 'take-vm-checkpoint', { vmId }));
    const what = (await source.leftovers(run)).map((left) => left.what);
    expect(what).toEqual(expect.arrayContaining(['reservation', 'vm-checkpoint']));
    expect((await source.leftovers()).map((left) => left.runId)).toEqual(what.map(() => run));
    expect(await source.leftovers(other)).toEqual([]);
  });

  test('the byte route is given nothing that the VM still writes, and nothing of another run', async () => {
    const hosts = await hostsFor('another-host');
    const { source, vmId } = hosts;
    const move = new Move(hosts, run);
    await awake(hosts);
    expect(codeOf(await source.locateForReading(run, vmId, image(0)))).toBe('VmStateWrong');
    await move.take('reserve-vm');
    expect(codeOf(await source.locateForReading(run, vmId, image(0)))).toBe('VmStateWrong');
    await move.take('take-vm-checkpoint');
    expect(codeOf(await source.locateForReading(run, vmId, image(0)))).toBe('succeeded');
    expect(codeOf(await source.locateForReading(run, vmId, image(1)))).toBe('VmStateWrong');
    expect(codeOf(await source.locateForReading(run, vmId, image(2)))).toBe('NotFound');
    const elsewhere = { ...image(0), diskId: diskId.parse('scsi-3-9') };
    expect(codeOf(await source.locateForReading(run, vmId, elsewhere))).toBe('NotFound');
    expect(codeOf(await source.locateForReading(other, vmId, image(0)))).toBe('VmBusy');
    expect(codeOf(await source.locateForReading(run, vmId, memory))).toBe('VmStateWrong');
    expect(codeOf(await source.locateForReading(run, vmId, { type: 'file', file: 'configuration' }))).toBe('NotFound');
    await move.take('save-vm');
    expect(codeOf(await source.locateForReading(run, vmId, image(1)))).toBe('succeeded');
    expect(codeOf(await source.locateForReading(run, vmId, memory))).toBe('succeeded');
  });

  test.each(['save-vm', 'shut-down-vm'] as const)(
    'a VM that was stopped by %s is started again by its run alone',
    async (kind) => {
      const hosts = await hostsFor('another-host');
      const { source, vmId } = hosts;
      await awake(hosts);
      valueOf(await perform(source, run, 'reserve-vm', { vmId }));
      valueOf(await perform(source, run, kind, { vmId }));
      valueOf(await perform(source, run, kind, { vmId }));
      const stopped = kind === 'save-vm' ? 'saved' : 'off';
      expect(await source.vm(vmId)).toMatchObject({ state: stopped });
      expect(valueOf(await perform(source, other, 'resume-vm', { vmId }))).toEqual({ outageMs: null });
      expect(await source.vm(vmId)).toMatchObject({ state: stopped });
      expect(valueOf(await perform(source, run, 'resume-vm', { vmId })).outageMs).toBeGreaterThan(0);
      await awake(hosts);
    },
  );

  test('a fenced VM is VmFenced to every other run, and not started by its own before the fence goes', async () => {
    const hosts = await hostsFor('another-host');
    const { source, vmId } = hosts;
    await awake(hosts);
    valueOf(await perform(source, run, 'reserve-vm', { vmId }));
    expect(codeOf(await perform(source, run, 'fence-vm', { vmId }))).toBe('VmStateWrong');
    valueOf(await perform(source, run, 'take-vm-checkpoint', { vmId }));
    valueOf(await perform(source, run, 'save-vm', { vmId }));
    for (const kind of ['fence-vm', 'fence-vm'] as const) valueOf(await perform(source, run, kind, { vmId }));
    for (const kind of ['reserve-vm', 'take-vm-checkpoint', 'save-vm', 'fence-vm'] as const)
      expect(codeOf(await perform(source, other, kind, { vmId }))).toBe('VmFenced');
    expect(codeOf(await perform(source, run, 'resume-vm', { vmId }))).toBe('VmFenced');
    expect(codeOf(await perform(source, run, 'remove-vm-checkpoint', { vmId }))).toBe('VmFenced');
    valueOf(await perform(source, other, 'unfence-vm', { vmId }));
    expect(await source.vm(vmId)).toMatchObject({ state: 'saved', fencedBy: run });
    expect((await source.leftovers(run)).map((left) => left.what)).toContain('fence');
    for (const kind of ['unfence-vm', 'unfence-vm', ...undoSteps] as const)
      valueOf(await perform(source, run, kind, { vmId }));
    expect(await source.leftovers()).toEqual([]);
    await awake(hosts);
  });

  test('what needs a reservation is VmStateWrong without one', async () => {
    const { source, vmId } = await hostsFor('another-host');
    for (const kind of ['take-vm-checkpoint', 'save-vm'] as const)
      expect(await perform(source, run, kind, { vmId })).toMatchObject({
        failure: { code: 'VmStateWrong', effect: 'none', subject: { vmId } },
      });
  });
}
