import type { OperationKind } from '../../contracts/operations';
import { OneRun } from './run-one';
import type { Fault } from './world';

const beforePivot: OperationKind[] = [
  'reserve-vm',
  'check-disks',
  'reserve-room',
  'place-vm',
  'take-vm-checkpoint',
  'pull',
  'save-vm',
  'fence-vm',
  'export-configuration',
  'import-configuration',
  'merge-disks',
  'digest-disks',
];
const afterPivot: OperationKind[] = ['await-heartbeat', 'retire-vm', 'release'];
const undos: OperationKind[] = [
  'remove-placeholder',
  'remove-vm-checkpoint',
  'resume-vm',
  'unfence-vm',
  'remove-export',
  'release',
];
const all: OperationKind[] = [...beforePivot, 'start-vm', ...afterPivot];
const passing: Fault[] = ['reply lost', 'request lost', 'threw', 'failed once'];

async function runWith(kind: OperationKind, fault: Fault, always = false) {
  const run = new OneRun([{ kind, fault, always }]);
  await run.begin();
  const report = await run.onward();
  expect(run.world.violations).toEqual([]);
  return { run, report };
}

test('a run without faults moves the VM and leaves a receipt', async () => {
  const run = new OneRun();
  await run.begin();
  expect((await run.onward()).state).toBe('completed');
  expect(run.world.arrived).toBe(true);
  expect(run.world.violations).toEqual([]);
  expect(run.receipts).toHaveLength(1);
});

describe.each(passing)('%s', (fault) => {
  test.each(all)('at %s: the run completes, and nothing is done under two ids', async (kind) => {
    const { run, report } = await runWith(kind, fault);
    expect(report.state).toBe('completed');
    expect(run.world.arrived).toBe(true);
    expect(run.world.done.filter((one) => one === 'start-vm')).toHaveLength(1);
  });
});

describe.each<Fault>(['refused', 'failed after effect'])('%s before the pivot', (fault) => {
  test.each(beforePivot)('at %s: the run unwinds, the VM runs at the source and nothing is left', async (kind) => {
    const { run, report } = await runWith(kind, fault);
    expect(['rolled-back', 'rejected']).toContain(report.state);
    expect(run.world.untouched).toBe(true);
  });
});

test('a pivot that was refused without effect unwinds', async () => {
  const { run, report } = await runWith('start-vm', 'refused');
  expect(report.state).toBe('rolled-back');
  expect(run.world.untouched).toBe(true);
});

test('the receipt of a run that unwound after the save tells the outage; of one that never stopped the VM, none', async () => {
  const late = await runWith('fence-vm', 'refused');
  expect(late.run.receipts).toMatchObject([{ told: { outage: { type: 'measured', ms: 7000 } } }]);
  const early = await runWith('take-vm-checkpoint', 'refused');
  expect(early.run.receipts).toMatchObject([{ told: { outage: { type: 'none' } } }]);
});

test('a pivot that failed and may have taken effect parks, and unwinds nothing', async () => {
  const { run, report } = await runWith('start-vm', 'failed after effect');
  expect(report.state).toBe('parked');
  expect(report.question?.answers).toEqual(['retry', 'accept']);
  expect(run.world.source.fenced).toBe(true);
  expect((await run.answer('accept')).state).toBe('completed');
});

test('a parked pivot that is retried starts the VM under a new epoch', async () => {
  const { run } = await runWith('start-vm', 'failed after effect');
  const [first] = run.agents.starts.filter((one) => one.kind === 'start-vm');
  expect((await run.answer('retry')).state).toBe('completed');
  const [, second] = run.agents.starts.filter((one) => one.kind === 'start-vm');
  expect(second?.epoch).toBeGreaterThan(first?.epoch ?? 0);
});

describe.each<Fault>(['refused', 'failed after effect'])('%s after the pivot', (fault) => {
  test.each(afterPivot)('at %s: the run parks and goes on when it is answered', async (kind) => {
    const { run, report } = await runWith(kind, fault);
    expect(report.state).toBe('parked');
    expect(run.world.source.fenced).toBe(true);
    expect((await run.answer('retry')).state).toBe('completed');
  });
});

describe('undo', () => {
  /** Fails the move at its last moment, so that every undo is needed, and spoils one undo. */
  async function unwindWith(kind: OperationKind, fault: Fault, always: boolean) {
    const run = new OneRun([
      { kind: 'digest-disks', fault: 'refused' },
      { kind, fault, always },
    ]);
    await run.begin();
    return { run, report: await run.onward() };
  }

  test.each(undos)('%s fails once: it is tried again and nothing is left', async (kind) => {
    const { run, report } = await unwindWith(kind, 'failed once', false);
    expect(report.state).toBe('rolled-back');
    expect(run.world.untouched).toBe(true);
    expect(run.world.violations).toEqual([]);
  });

  test.each(undos)('%s fails for good: the run parks; answered retry it ends clean', async (kind) => {
    const { run, report } = await unwindWith(kind, 'refused', false);
    expect(report.state).toBe('parked');
    expect(report.question?.answers).toEqual(['retry', 'skip']);
    expect((await run.answer('retry')).state).toBe('rolled-back');
    expect(run.world.untouched).toBe(true);
  });

  test('an undo that is skipped is left undone and the others are done', async () => {
    const { run } = await unwindWith('remove-vm-checkpoint', 'refused', true);
    expect((await run.answer('skip')).state).toBe('rolled-back');
    expect(run.world.source).toMatchObject({ vmCheckpoint: true, state: 'running', fenced: false, reserved: false });
  });
});

describe('cancel', () => {
  test.each(beforePivot)('during %s: the run unwinds within 30 s and nothing is left', async (kind) => {
    const run = new OneRun();
    run.agents.looksUntilDone.set(kind, 1000);
    await run.begin();
    await run.engine.advance(20_000);
    await run.send({ command: 'cancel', reason: 'test' });
    await run.engine.advance(30_000);
    expect(run.report.state).toBe('rolled-back');
    expect(run.world.untouched).toBe(true);
    expect(run.world.violations).toEqual([]);
  });

  test.each<OperationKind>(['start-vm', 'await-heartbeat'])('during %s comes too late', async (kind) => {
    const run = new OneRun();
    run.agents.looksUntilDone.set(kind, 20);
    await run.begin();
    await run.engine.advance(10_000);
    expect(run.report.cancelable).toBe(false);
    await run.send({ command: 'cancel', reason: 'test' });
    expect((await run.onward()).state).toBe('completed');
    expect(run.world.violations).toEqual([]);
  });
});

test('a long copy cuts its history and goes on under the same operations', async () => {
  const run = new OneRun();
  run.agents.looksUntilDone.set('pull', 450);
  await run.begin();
  expect((await run.onward()).state).toBe('completed');
  const pulls = run.agents.starts.filter((one) => one.kind === 'pull').map((one) => one.operationId);
  expect(new Set(pulls).size).toBe(4);
});

test('commands that are not commands, and answers that nobody asked for, change nothing', async () => {
  const run = new OneRun();
  run.agents.looksUntilDone.set('pull', 5);
  await run.begin();
  await run.send('nonsense');
  await run.send({ command: 'answer', questionId: 'q1', answer: 'skip' });
  await run.send({ command: 'launch' });
  expect((await run.onward()).state).toBe('completed');
});

test('a host that is killed at any moment of a run changes nothing of its end', async () => {
  for (let seed = 1; seed <= 8; seed += 1) {
    const run = new OneRun([], seed);
    run.agents.looksUntilDone.set('pull', 3);
    await run.begin();
    for (let step = 0; !run.ended && step < 400; step += 1) {
      await run.engine.step();
      if (step % (seed + 2) === 0) run.engine.crash();
      if (step % 3 === 0) await run.engine.advance(1000);
    }
    expect((await run.onward()).state).toBe('completed');
    expect(run.world.violations).toEqual([]);
  }
});
