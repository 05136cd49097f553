import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DriverOperationKind } from '../../agent/hyperv/driver';
import type { CrashPoint } from '../../agent/hyperv/simulated';
import { filesBelow } from '../../agent/hyperv/files';
import type { Outcome } from '../../contracts/failure';
import { operations } from '../../contracts/operations';
import { perform, valueOf } from '../conformance/hyperv-move';
import { sampleRole } from '../samples/operation-outputs';
import { startChild } from './crash';
import { FabricSite, hostA, hostB, siteRun } from './fabric-site';

// Moves by the hypervisor and moves of what both hosts see, with one of the two hosts killed between two durable steps of an operation.
// A host that crashes runs in a process of its own and kills itself at the point; the other one lives on in this process.

/** `off-cluster`: shared-nothing, of a role of the cluster, which is removed at the source and made at the destination. */
type Kind = 'live' | 'quick' | 'san' | 'storage' | 'shared-nothing' | 'off-cluster';
type Side = 'a' | 'b';
type Step = readonly [at: Side, kind: DriverOperationKind, input?: object];

let site: FabricSite;
beforeEach(() => {
  site = new FabricSite();
});
afterEach(() => site.close());

const volumeOf = (side: Side): string => join(site.folder, side, 'volumes', 'vms');
const lunFolder = (): string => join(site.folder, 'fabric', 'luns', 'lun1');
const elsewhere = (): string => join(volumeOf('a'), 'elsewhere');
const waits = { waitMsMax: 60_000 };
const toB = { peerHost: hostB };

/** The steps of each kind before the VM is there, as the itinerary takes them. */
function stepsOf(kind: Kind, needs: unknown): Step[] {
  const admit = (brings: object): Step => ['b', 'admit-vm', { needs, brings }];
  const beat: Step[] = [['b', 'await-heartbeat', waits]];
  const release: Step[] = [
    ['a', 'release'],
    ['b', 'release'],
  ];
  switch (kind) {
    case 'live':
      return [admit({ type: 'memory' }), ['a', 'move-live', toB], ...beat, ...release];
    case 'quick':
      return [
        admit({ type: 'memory' }),
        ['a', 'save-vm'],
        ['a', 'move-role', toB],
        ['b', 'start-role'],
        ...beat,
        ...release,
      ];
    case 'san':
      return [
        admit({ type: 'lun', name: 'lun1' }),
        ['a', 'save-vm'],
        ['a', 'fence-vm'],
        ['a', 'write-configuration'],
        ['a', 'detach-lun', { lun: 'lun1' }],
        ['b', 'attach-lun', { lun: 'lun1' }],
        ['b', 'register-vm', { folder: lunFolder(), switchName: null }],
        ['b', 'start-vm', { folder: lunFolder() }],
        ...beat,
        ['a', 'forget-source'],
        ...release,
      ];
    case 'storage':
      return [
        ['a', 'reserve-room', { folder: elsewhere(), roomBytes: 64 * 1024 ** 2, memoryBytes: 0 }],
        ['a', 'move-storage', { folder: elsewhere() }],
        ['a', 'await-heartbeat', waits],
        ['a', 'release'],
      ];
    case 'shared-nothing': {
      const place = { folder: volumeOf('b'), switchName: null };
      return [admit({ type: 'files', ...place }), ['a', 'move-whole', { ...toB, ...place }], ...beat, ...release];
    }
    case 'off-cluster': {
      const place = { folder: site.sharedPath('elsewhere'), switchName: null };
      return [
        admit({ type: 'files', ...place }),
        ['a', 'remove-role'],
        ['a', 'move-whole', { ...toB, ...place }],
        ...beat,
        ['b', 'make-role', { settings: sampleRole }],
        ...release,
      ];
    }
  }
}

const undosOf = (kind: Kind): Step[] => {
  const withdraw: Step = ['b', 'withdraw-vm'];
  switch (kind) {
    case 'live':
    case 'shared-nothing':
      return [withdraw, ['a', 'release']];
    case 'off-cluster':
      return [['a', 'restore-role'], withdraw, ['a', 'release']];
    case 'quick':
      return [['b', 'return-role', { peerHost: hostA }], ['a', 'resume-vm'], withdraw, ['a', 'release']];
    case 'storage':
      return [
        ['a', 'remove-placeholder', { folder: elsewhere() }],
        ['a', 'release'],
      ];
    case 'san':
      return [
        ['b', 'unregister-vm'],
        ['b', 'surrender-lun'],
        ...(['reattach-lun', 'remove-configuration', 'unfence-vm', 'resume-vm'] as const).map((one): Step => [
          'a',
          one,
        ]),
        withdraw,
        ['a', 'release'],
      ];
  }
};

const whereMade = {
  live: 'shared',
  quick: 'shared',
  san: 'lun',
  storage: 'own',
  'shared-nothing': 'own',
  'off-cluster': 'shared',
} as const;
/** Where the VM is to run in the end. */
const arrives = (kind: Kind): Side => (kind === 'storage' ? 'a' : 'b');

function take([at, kind, input = {}]: Step): Promise<Outcome<unknown>> {
  return perform(site[at], siteRun, kind, operations[kind].input.parse({ vmId: site.vmId, ...input }));
}

/** A VM on a new site, and the steps of a run that has marked it and asked what it needs. */
async function begun(kind: Kind): Promise<Step[]> {
  await site.make(whereMade[kind]);
  if (kind === 'off-cluster') await site.setRole({ settings: sampleRole });
  valueOf(await take(['a', 'reserve-vm']));
  return stepsOf(kind, valueOf(await take(['a', 'describe-vm'])));
}

type Case = {
  readonly kind: Kind;
  readonly step: DriverOperationKind;
  readonly point: CrashPoint;
  readonly dies: Side;
};

/** Walks to the step, and lets the host that is to die come to the point. Answers the steps that are left, the crashed one first. */
async function crashAt({ kind, step, point, dies }: Case): Promise<Step[]> {
  const steps = await begun(kind);
  const index = steps.findIndex(([, of]) => of === step);
  const crashed = steps[index];
  if (crashed === undefined) throw new Error(`${step} is no step of ${kind}`);
  for (const one of steps.slice(0, index)) valueOf(await take(one));
  await site[dies].close();
  const [at, , input = {}] = crashed;
  const itself = at === dies;
  const { said, ended } = startChild({
    folder: join(site.folder, dies),
    run: siteRun,
    rounds: 1,
    steps: itself ? [{ kind: step, input: { vmId: site.vmId, ...input } }] : [],
    serves: !itself,
    crashAt: { point, nth: 1 },
  });
  let outcome: Promise<Outcome<unknown>> | undefined;
  if (!itself) {
    while (!said().includes('open')) await delay(10);
    outcome = take(crashed);
  }
  if ((await ended) !== 'SIGKILL' || said().includes(`done ${step}`))
    throw new Error(`the host did not die at ${point}: ${said()}`);
  site[dies] = await site.open(dies);
  if (outcome !== undefined) valueOf(await outcome);
  return steps.slice(itself ? index : index + 1);
}

async function disksOf(folder: string): Promise<string[]> {
  const files = await filesBelow(folder);
  return files.map(({ path }) => path).filter((path) => path.includes('vhdx'));
}

const running = async (): Promise<Side[]> => {
  const states = await Promise.all(
    (['a', 'b'] as const).map(async (side) => [side, await site[side].vm(site.vmId)] as const),
  );
  return states.filter(([, vm]) => vm?.state === 'running').map(([side]) => side);
};

async function expectClean(): Promise<void> {
  await site.forgotten();
  expect([...(await site.a.leftovers()), ...(await site.b.leftovers())]).toEqual([]);
  expect(await disksOf(site.folder)).toHaveLength(1);
  for (const side of ['a', 'b']) expect(await readdir(join(site.folder, side, 'runs')).catch(() => [])).toEqual([]);
}

async function expectArrived(kind: Kind): Promise<void> {
  expect(await running()).toEqual([arrives(kind)]);
  await expectRole(kind, 'host-b');
  if (kind === 'storage') expect((await site.a.vm(site.vmId))?.disks[0]?.path.startsWith(elsewhere())).toBe(true);
  await expectClean();
}

async function expectRole(kind: Kind, owner: string): Promise<void> {
  if (kind === 'off-cluster') expect(await site.role()).toMatchObject({ owner, settings: sampleRole });
}

/** A step is tried again while the host says that it has to wait, as a run does. */
async function patiently(one: Step): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    const outcome = await take(one);
    if (outcome.ok || outcome.failure.retry === 'permanent') return void valueOf(outcome);
    await delay(25);
  }
  throw new Error(`${one[1]} waits without end`);
}

async function expectBack(kind: Kind): Promise<void> {
  for (const one of undosOf(kind)) await patiently(one);
  valueOf(await take(['a', 'await-heartbeat', waits]));
  expect(await running()).toEqual(['a']);
  await expectRole(kind, 'host-a');
  expect(await site.b.vms()).toEqual([]);
  expect(await disksOf(elsewhere())).toEqual([]);
  expect(await disksOf(volumeOf('b'))).toEqual([]);
  await expectClean();
}

const onSource = (kind: Kind, step: DriverOperationKind, ...points: CrashPoint[]): Case[] =>
  points.map((point) => ({ kind, step, point, dies: 'a' }));
const onDestination = (kind: Kind, step: DriverOperationKind, ...points: CrashPoint[]): Case[] =>
  points.map((point) => ({ kind, step, point, dies: 'b' }));

/** Until the VM is handed over for good, or starts. */
const beforePivot: Case[] = [
  ...onSource('live', 'move-live', 'move-offered', 'move-blackout'),
  ...onSource('shared-nothing', 'move-whole', 'move-offered', 'move-blackout'),
  ...onSource('off-cluster', 'remove-role', 'role-noted', 'role-removed'),
  ...onSource('off-cluster', 'move-whole', 'move-offered', 'move-blackout'),
  ...onSource('storage', 'move-storage', 'files-mirrored'),
  ...onSource('quick', 'save-vm', 'saved-state-written', 'vm-saved'),
  ...onSource('quick', 'move-role', 'move-offered', 'move-blackout', 'move-committed'),
  ...onDestination('quick', 'move-role', 'move-arriving'),
  ...onSource('san', 'detach-lun', 'lun-detached'),
  ...onDestination('san', 'attach-lun', 'lun-attached'),
];

const nameOf = ({ kind, step, point, dies }: Case): string =>
  `${kind}: ${dies === 'a' ? 'the source' : 'the destination'} dies at ${point} of ${step}`;

describe.each(beforePivot.map((one) => [nameOf(one), one] as const))('%s', (_name, one) => {
  test('a repeat makes it good, and the move goes on to its end', async () => {
    const left = await crashAt(one);
    for (const step of left) valueOf(await take(step));
    await expectArrived(one.kind);
  });

  test('it is undone without a repeat', async () => {
    await crashAt(one);
    await expectBack(one.kind);
  });
});

const fromPivotOn: Case[] = [
  ...onSource('live', 'move-live', 'move-committed'),
  ...onDestination('live', 'move-live', 'move-arriving', 'start-saved-state-taken'),
  ...onSource('shared-nothing', 'move-whole', 'move-committed', 'retirement-file-deleted'),
  ...onDestination('shared-nothing', 'move-whole', 'move-arriving', 'start-saved-state-taken'),
  ...onSource('storage', 'move-storage', 'files-switched', 'retirement-file-deleted'),
  ...onDestination('quick', 'start-role', 'start-committed', 'start-saved-state-taken'),
  ...onDestination('san', 'start-vm', 'start-committed', 'start-saved-state-taken'),
  ...onSource('off-cluster', 'move-whole', 'move-committed'),
  ...onDestination('off-cluster', 'make-role', 'role-made'),
];

test.each(fromPivotOn.map((one) => [nameOf(one), one] as const))(
  '%s: one VM runs, and the move ends',
  async (_name, one) => {
    const left = await crashAt(one);
    expect((await running()).filter((side) => side !== arrives(one.kind))).toEqual([]);
    for (const step of left) valueOf(await take(step));
    await expectArrived(one.kind);
  },
);

test('off-cluster: the source dies when it has made the role again, and the undo goes on from there', async () => {
  await begun('off-cluster');
  valueOf(await take(['a', 'remove-role']));
  await site.a.close();
  const steps = [{ kind: 'restore-role' as const, input: { vmId: site.vmId } }];
  const crashAtPoint = { point: 'role-restored', nth: 1 } as const;
  const folder = join(site.folder, 'a');
  const { said, ended } = startChild({ folder, run: siteRun, rounds: 1, steps, crashAt: crashAtPoint });
  expect([await ended, said().includes('done restore-role')]).toEqual(['SIGKILL', false]);
  site.a = await site.open('a');
  await expectBack('off-cluster');
});

test('a shared-nothing move that nobody repeats after its commit shows its old files, and release removes them', async () => {
  const left = await crashAt({ kind: 'shared-nothing', step: 'move-whole', point: 'move-committed', dies: 'a' });
  const [beat, ...release] = left.slice(1);
  if (beat === undefined) throw new Error('a move has a heartbeat');
  await site.awake(site.b);
  valueOf(await take(beat));
  const kept = await disksOf(volumeOf('a'));
  const shown = await site.a.leftovers();
  expect(shown.flatMap(({ what, detail }) => (what === 'old-file' ? [detail] : []))).toEqual(kept);
  expect(kept).toHaveLength(1);
  for (const one of release) await patiently(one);
  await expectArrived('shared-nothing');
});
