import { setTimeout as delay } from 'node:timers/promises';
import { openVhdx } from '../../agent/disks/vhdx';
import { runId } from '../../contracts/ids';
import { codeOf, perform, valueOf, type ConformanceHosts } from '../conformance/hyperv-move';
import { WarmMove } from '../conformance/hyperv-warm';
import type { VmSpec } from '../../agent/hyperv/simulated';
import { smallVhdVm, smallVm, TestHosts } from './test-hosts';

const run = runId.parse('warm-r1');
const mib = 1024 ** 2;

const vhdxVm: VmSpec = {
  ...smallVm,
  disks: [
    { virtualSizeBytes: 16 * mib, dataBytes: 2 * mib, blockSizeBytes: mib },
    { virtualSizeBytes: 8 * mib, dataBytes: mib, blockSizeBytes: mib, kind: 'fixed', sectorSizeBytes: 4096 },
  ],
};
const mixedVm: VmSpec = { ...smallVhdVm, disks: [...smallVhdVm.disks.slice(0, 1), ...vhdxVm.disks.slice(1)] };
/** Hyper-V tracks no VHD: a VM that has one is not tracked, whatever its host can. */
const setups = [
  { what: 'VHDX on a host with change tracking', vm: vhdxVm, changeTracking: true, isTracked: true },
  { what: 'VHDX on a host without change tracking', vm: vhdxVm, changeTracking: false, isTracked: false },
  { what: 'VHD on a host with change tracking', vm: smallVhdVm, changeTracking: true, isTracked: false },
  { what: 'VHD and VHDX on a host with change tracking', vm: mixedVm, changeTracking: true, isTracked: false },
];

describe.each(setups)('$what', ({ vm, changeTracking, isTracked }) => {
  const hosts = new TestHosts();
  beforeAll(() => hosts.make({ ...vm, vmCheckpoints: ['of a person'] }, { changeTracking }));
  afterEach(() => hosts.close());
  afterAll(() => hosts.remove());

  async function openHosts(): Promise<ConformanceHosts> {
    const [source, destination] = [await hosts.open('source'), await hosts.open('destination')];
    await hosts.whenAwake(source);
    return { source, destination, vmId: hosts.vmId, folder: hosts.pathOn('destination', 'elsewhere') };
  }

  test.each(['save-vm', 'shut-down-vm'] as const)(
    'after rounds and %s the copy reads as the source, and the guest runs on it',
    async (stop) => {
      const both = await openHosts();
      const move = new WarmMove(both, run);
      await move.prepare();
      await move.first();
      for (let rounds = 0; rounds < 3; rounds++) {
        await delay(120);
        const begun = await move.next();
        const changedBytes = begun.changed.reduce((sum, disk) => sum + disk.changedBytes, 0);
        expect(changedBytes).toBeGreaterThan(0);
        expect(begun.changed.map((disk) => disk.whole)).toEqual([false, false]);
        expect(begun.tracking).toBe(isTracked ? 'change-tracking' : 'differencing');
      }
      await move.cutover(stop);
      expect(await move.digests('destination', 'changed')).toEqual(await move.digests('source', 'changed'));
      expect(await move.digests('destination', 'all')).toEqual(await move.digests('source', 'all'));
      const seen = await move.start();
      await delay(150);
      const later = valueOf(await move.onDestination('await-heartbeat', { ...move.ofVm, waitMsMax: 5000 }));
      expect(later.guestOutageMs ?? seen.guestOutageMs).toBeGreaterThan(0);
      const arrived = await both.destination.vm(hosts.vmId);
      expect(arrived).toMatchObject({ state: 'running', heartbeat: 'ok', vmCheckpointCount: 1 });
      expect(arrived?.disks.map((disk) => disk.images.length)).toEqual([2, 2]);
    },
  );

  test.each([0, 1, 2])(
    'undone in the middle of round %i the source is as it was, and nothing is left',
    async (rounds) => {
      const both = await openHosts();
      const move = new WarmMove(both, run);
      const images = async () =>
        (await both.source.vm(hosts.vmId))?.disks.map((disk) => disk.images.map((image) => image.path));
      const before = await images();
      const filesBefore = await hosts.files('source');
      await move.prepare();
      if (rounds > 0) await move.first();
      for (let done = 1; done < rounds; done++) await move.next();
      valueOf(await move.begin());
      await move.undo();
      await move.undo();
      expect(await images()).toEqual(before);
      expect(await both.source.leftovers()).toEqual([]);
      expect(await both.destination.leftovers()).toEqual([]);
      await hosts.whenAwake(both.source);
      expect(await hosts.files('source')).toEqual(filesBefore);
    },
  );

  test('undone after the fence the guest goes on where it was', async () => {
    const both = await openHosts();
    const move = new WarmMove(both, run);
    await move.prepare();
    await move.first();
    await move.next();
    await move.cutover('save-vm');
    await move.undo();
    expect(codeOf(await perform(both.source, run, 'await-heartbeat', { ...move.ofVm, waitMsMax: 5000 }))).toBe(
      'succeeded',
    );
    expect((await both.source.vm(hosts.vmId))?.disks.map((disk) => disk.images.length)).toEqual([2, 2]);
    expect(await both.source.leftovers()).toEqual([]);
  });

  test('an agent that is stopped and started in the middle of a round goes on with the same changes', async () => {
    const both = await openHosts();
    const move = new WarmMove(both, run);
    await move.prepare();
    await move.first();
    await delay(120);
    const begun = valueOf(await move.begin());
    const [subject] = begun.changed.map(({ diskId }) => ({ type: 'changes' as const, diskId, index: 1, round: 1 }));
    if (subject === undefined) throw new Error('a disk changed');
    const served = valueOf(await both.source.locateForReading(run, hosts.vmId, subject));
    await hosts.shut('source');
    const source = await hosts.open('source');
    await hosts.whenAwake(source);
    const again = new WarmMove({ ...both, source }, run);
    again.round = 1;
    expect(valueOf(await again.begin()).changed).toEqual(begun.changed);
    expect(valueOf(await source.locateForReading(run, hosts.vmId, subject))).toEqual(served);
  });

  test('rounds begin and end in order, and a round that is over is served no more', async () => {
    const both = await openHosts();
    const move = new WarmMove(both, run);
    await move.prepare();
    move.round = 1;
    expect(codeOf(await move.begin())).toBe('VmStateWrong');
    move.round = 0;
    await move.first();
    const begun = await move.next();
    const subject = { type: 'changes', diskId: begun.changed[0]?.diskId ?? 'none', index: 1, round: 1 } as const;
    await move.next();
    const late = await both.source.locateForReading(run, hosts.vmId, subject as never);
    expect(codeOf(late)).toBe('VmStateWrong');
  });

  if (isTracked) {
    test('a disk that somebody wrote to while its VM was off counts as changed as a whole', async () => {
      const both = await openHosts();
      const move = new WarmMove(both, run);
      await move.prepare();
      await move.first();
      valueOf(await move.onSource('shut-down-vm', move.ofVm));
      const path = (await both.source.vm(hosts.vmId))?.disks[0]?.path ?? '';
      const newGuid = () => '11111111-2222-4333-8444-555555555555';
      const image = valueOf(
        await openVhdx(path, { access: 'write', tables: 'ordered', dataWriteId: 'new-at-first-write', newGuid }),
      );
      await image.write(Buffer.alloc(4096, 7), 12 * mib);
      await image.flush();
      await image.close();
      const begun = valueOf(await move.begin());
      expect(begun.changed.map((disk) => disk.whole)).toEqual([true, false]);
    });
  }
});
