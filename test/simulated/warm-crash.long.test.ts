import { setTimeout as delay } from 'node:timers/promises';
import type { CrashPoint } from '../../agent/hyperv/simulated';
import { runId } from '../../contracts/ids';
import { valueOf, type ConformanceHosts } from '../conformance/hyperv-move';
import { WarmMove } from '../conformance/hyperv-warm';
import { crash } from './crash';
import { smallVhdVm, smallVm, TestHosts } from './test-hosts';

const run = runId.parse('warm-crash-r1');

const ofBegin: readonly CrashPoint[] = [
  'tracking-advanced',
  'vm-checkpoint-image-made',
  'vm-checkpoint-taken',
  'round-begun',
];
const ofEnd: readonly CrashPoint[] = [
  'vm-checkpoint-merge-began',
  'vm-checkpoint-merged',
  'vm-checkpoint-merge-final',
  'vm-checkpoint-detached',
  'round-merged',
];
/** Without change tracking a round adds a differencing disk and merges nothing. */
const cases = [
  ...ofBegin.map((point) => ['begin-round', point, true] as const),
  ...ofEnd.map((point) => ['end-round', point, true] as const),
  ...ofBegin.slice(0, 2).map((point) => ['begin-round', point, false] as const),
];

const setups = [
  { what: 'VHDX, tracked', vm: smallVm, changeTracking: true, isTracked: true },
  { what: 'VHDX, not tracked', vm: smallVm, changeTracking: false, isTracked: false },
  { what: 'VHD', vm: smallVhdVm, changeTracking: true, isTracked: false },
];

describe.each(setups)('$what', ({ vm, changeTracking, isTracked }) => {
  const hosts = new TestHosts();
  beforeAll(() => hosts.make(vm, { changeTracking }));
  afterEach(() => hosts.close());
  afterAll(() => hosts.remove());

  async function openHosts(): Promise<ConformanceHosts> {
    const [source, destination] = [await hosts.open('source'), await hosts.open('destination')];
    await hosts.whenAwake(source);
    return { source, destination, vmId: hosts.vmId, folder: hosts.pathOn('destination', 'elsewhere') };
  }

  /** Up to the middle of round 1, in which the host of the source is killed at the point. */
  async function killedAt(kind: 'begin-round' | 'end-round', point: CrashPoint): Promise<WarmMove> {
    const move = new WarmMove(await openHosts(), run);
    await move.prepare();
    await move.first();
    await delay(120);
    if (kind === 'end-round') await move.carryRound(valueOf(await move.begin()));
    for (const name of ['source', 'destination'] as const) await hosts.shut(name);
    const steps = [{ kind, input: { vmId: hosts.vmId, round: 1 } }];
    await crash({ folder: await hosts.hostFolder('source'), run, rounds: 1, steps, crashAt: { point, nth: 1 } });
    move.hosts = await openHosts();
    return move;
  }

  const here = cases.filter(([, , tracked]) => tracked === isTracked).map(([kind, point]) => [kind, point] as const);

  test.each(here)('killed in %s at %s, the round is repeated and nothing is lost', async (kind, point) => {
    const move = await killedAt(kind, point);
    if (kind === 'begin-round') await move.next();
    else await move.end();
    await move.cutover('save-vm');
    expect(await move.digests('destination', 'all')).toEqual(await move.digests('source', 'all'));
    await move.start();
  });

  test.each(here)('killed in %s at %s, the run is undone and nothing is left', async (kind, point) => {
    const move = await killedAt(kind, point);
    await move.undo();
    await hosts.whenAwake(move.hosts.source);
    const { source, destination } = move.hosts;
    expect([...(await source.leftovers()), ...(await destination.leftovers())]).toEqual([]);
    const disks = (await source.vm(hosts.vmId))?.disks ?? [];
    expect(disks.map(({ images }) => images.length)).toEqual(vm.disks.map(() => 1));
    const files = (await hosts.files('source')).filter((path) => path.includes('volumes') || path.includes('tracking'));
    expect(files.sort()).toEqual(disks.map(({ path }) => path).sort());
  });
});
