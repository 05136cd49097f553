import type { CrashPoint } from '../../agent/hyperv/simulated';
import { runId } from '../../contracts/ids';
import type { OperationKind } from '../../contracts/operations';
import { Move, moveSteps, valueOf, type ConformanceHosts, type MoveStep } from '../conformance/hyperv-move';
import { crash } from './crash';
import { TestHosts, type HostName } from './test-hosts';

const hosts = new TestHosts();
const run = runId.parse('crash-r1');
beforeAll(() => hosts.make());
afterEach(() => hosts.close());
afterAll(() => hosts.remove());

type Where = 'another-host' | 'same-host';

async function openHosts(where: Where): Promise<ConformanceHosts> {
  const source = await hosts.open('source');
  const at: HostName = where === 'same-host' ? 'source' : 'destination';
  return { source, destination: await hosts.open(at), vmId: hosts.vmId, folder: hosts.pathOn(at, 'elsewhere') };
}

/** Walks to the step before, closes the host, and lets a process of its own crash at the point. */
async function crashAt(
  where: Where,
  after: MoveStep,
  at: HostName,
  step: { kind: OperationKind; more?: object },
  point: CrashPoint,
): Promise<void> {
  const before = await openHosts(where);
  await new Move(before, run, 'delete').walk(after);
  for (const name of ['source', 'destination'] as const) await hosts.shut(name);
  const input = { vmId: hosts.vmId, folder: before.folder, ...step.more };
  const folder = await hosts.hostFolder(at);
  await crash({ folder, run, rounds: 1, steps: [{ kind: step.kind, input }], crashAt: { point, nth: 1 } });
}

async function runningCopies({ source, destination, vmId }: ConformanceHosts): Promise<number> {
  const vms = [...(await source.vms()), ...(source === destination ? [] : await destination.vms())];
  return vms.filter((vm) => vm.vmId === vmId && vm.state === 'running').length;
}

async function expectUndone(move: Move): Promise<void> {
  await move.undo();
  valueOf(await move.onSource('await-heartbeat', { ...move.ofVm, waitMsMax: 10_000 }));
  const { source, destination, vmId } = move.hosts;
  expect([...(await source.leftovers()), ...(await destination.leftovers())]).toEqual([]);
  const vm = await source.vm(vmId);
  expect(vm).toMatchObject({ state: 'running', vmCheckpointCount: 0, reservedBy: null, fencedBy: null });
  expect(vm?.disks.map((disk) => disk.images.length)).toEqual([1]);
  const files = await hosts.files('source');
  expect(files.filter((path) => path.includes('volumes')).map((path) => path.split('/').at(-1))).toEqual([
    'web01.vhdx',
  ]);
}

const beforePivot: readonly (readonly [CrashPoint, MoveStep, HostName, { kind: OperationKind; more?: object }])[] = [
  ['placeholder-announced', 'reserve-room', 'destination', { kind: 'place-vm', more: { vmName: 'web01' } }],
  ['vm-checkpoint-announced', 'place-vm', 'source', { kind: 'take-vm-checkpoint' }],
  ['vm-checkpoint-image-made', 'place-vm', 'source', { kind: 'take-vm-checkpoint' }],
  ['vm-checkpoint-taken', 'place-vm', 'source', { kind: 'take-vm-checkpoint' }],
  ['saved-state-written', 'copy-base', 'source', { kind: 'save-vm' }],
  ['vm-saved', 'copy-base', 'source', { kind: 'save-vm' }],
  ['images-named', 'copy-rest', 'destination', { kind: 'import-configuration', more: { switchName: null } }],
  ['disk-merged', 'import-configuration', 'destination', { kind: 'merge-disks' }],
];

describe.each(beforePivot)('a crash at %s', (point, after, at, step) => {
  test('is made good by a repeat, and the move goes on to its end', async () => {
    await crashAt('another-host', after, at, step, point);
    const move = new Move(await openHosts('another-host'), run, 'delete');
    const crashed = moveSteps.find((known) => known === step.kind);
    if (crashed === undefined) throw new Error(`${step.kind} is no step of a move`);
    await hosts.whenAwake(move.hosts.source);
    await move.walk('release', crashed);
    expect(await move.hosts.destination.vm(hosts.vmId)).toMatchObject({ state: 'running', heartbeat: 'ok' });
    expect([...(await move.hosts.source.leftovers()), ...(await move.hosts.destination.leftovers())]).toEqual([]);
    expect(await hosts.diskFiles('source')).toEqual([]);
  });

  test('is undone without a repeat', async () => {
    await crashAt('another-host', after, at, step, point);
    await expectUndone(new Move(await openHosts('another-host'), run));
  });
});

const ofUndo: readonly (readonly [CrashPoint, MoveStep, OperationKind])[] = [
  ['vm-checkpoint-merge-began', 'copy-base', 'remove-vm-checkpoint'],
  ['vm-checkpoint-merged', 'copy-base', 'remove-vm-checkpoint'],
  ['vm-checkpoint-merge-final', 'copy-base', 'remove-vm-checkpoint'],
  ['vm-checkpoint-detached', 'copy-base', 'remove-vm-checkpoint'],
  ['vm-resuming', 'save-vm', 'resume-vm'],
  ['start-saved-state-taken', 'save-vm', 'resume-vm'],
];

test.each(ofUndo)('a crash of an undo at %s is made good by a repeat', async (point, after, kind) => {
  await crashAt('another-host', after, 'source', { kind }, point);
  await expectUndone(new Move(await openHosts('another-host'), run));
});

const ofStart: readonly (readonly [CrashPoint, Where])[] = [
  ['start-committed', 'another-host'],
  ['start-saved-state-taken', 'another-host'],
  ['start-committed', 'same-host'],
  ['start-saved-state-taken', 'same-host'],
  ['start-set-aside', 'same-host'],
];

test.each(ofStart)('a crash of start-vm at %s, to %s, leaves one VM that can run', async (point, where) => {
  await crashAt(where, 'digest-disks', where === 'same-host' ? 'source' : 'destination', { kind: 'start-vm' }, point);
  const open = await openHosts(where);
  expect(await runningCopies(open)).toBe(1);
  const marks = (await open.destination.leftovers()).map((leftover) => leftover.what);
  expect(marks).not.toContain('planned-vm');
  expect(marks.includes('retired-vm')).toBe(where === 'same-host');
  const move = new Move(open, run, 'delete');
  await move.walk('release', 'start-vm');
  expect(await runningCopies(open)).toBe(1);
  expect(await open.destination.vm(hosts.vmId)).toMatchObject({
    state: 'running',
    heartbeat: 'ok',
    vmCheckpointCount: 0,
  });
  expect([...(await open.source.leftovers()), ...(await open.destination.leftovers())]).toEqual([]);
});

const ofRetire: readonly (readonly [CrashPoint, Where])[] = [
  ['retirement-planned', 'another-host'],
  ['retirement-unregistered', 'another-host'],
  ['retirement-file-deleted', 'another-host'],
  ['retirement-file-deleted', 'same-host'],
];

test.each(ofRetire)('a crash of retire-vm at %s, to %s, deletes the source all the same', async (point, where) => {
  await crashAt(where, 'await-heartbeat', 'source', { kind: 'retire-vm', more: { retire: 'delete' } }, point);
  const move = new Move(await openHosts(where), run, 'delete');
  await move.walk('release', 'retire-vm');
  valueOf(await move.onDestination('await-heartbeat', { ...move.ofVm, waitMsMax: 10_000 }));
  const { source, destination } = move.hosts;
  expect([...(await source.leftovers()), ...(await destination.leftovers())]).toEqual([]);
  const ofSource = (await hosts.diskFiles('source')).filter((path) => !path.startsWith(move.hosts.folder));
  expect(ofSource).toEqual([]);
});
