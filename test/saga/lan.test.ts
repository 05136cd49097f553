import type { OperationKind } from '../../contracts/operations';
import { OneRun } from './run-one';
import type { Fault, Plan } from './world';

async function runWith(state: 'running' | 'off' | 'saved', plans: readonly Plan[] = []): Promise<OneRun> {
  const run = new OneRun(plans, 1, 'lan');
  run.world.source.state = state;
  await run.begin();
  await run.onward();
  return run;
}

test('a VM that runs is stopped, copied and started at the destination', async () => {
  const run = await runWith('running');
  expect(run.report.state).toBe('completed');
  expect(run.world.done).toEqual(expect.arrayContaining(['save-vm', 'start-vm', 'await-heartbeat']));
  expect(run.world.violations).toEqual([]);
});

test.each(['off', 'saved'] as const)('a VM that is %s is neither stopped nor started', async (state) => {
  const run = await runWith(state);
  expect(run.report.state).toBe('completed');
  expect(run.world.done).toContain('start-vm');
  expect(run.world.done).not.toContain('save-vm');
  expect(run.world.done).not.toContain('await-heartbeat');
  expect(run.agents.inputs.find(({ kind }) => kind === 'start-vm')?.input).toMatchObject({ power: 'leave' });
});

const beforePivot: OperationKind[] = [
  'check-disks',
  'save-vm',
  'fence-vm',
  'pull',
  'import-configuration',
  'digest-disks',
];

describe.each<Fault>(['refused', 'failed after effect'])('%s', (fault) => {
  test.each(beforePivot)('at %s: the run unwinds and the VM runs where it ran', async (kind) => {
    const run = await runWith('running', [{ kind, fault }]);
    expect(['rolled-back', 'rejected']).toContain(run.report.state);
    expect(run.world.untouched).toBe(true);
  });
});

test.each(['quick-storage', 'warm'] as const)(
  'a VM that is off is refused by %s before a byte is copied',
  async (kind) => {
    const run = new OneRun([], 1, kind);
    run.world.source.state = 'off';
    await run.begin();
    const report = await run.onward();
    expect(report).toMatchObject({ state: 'rejected', failure: { code: 'VmStateWrong' } });
    expect(report.failure?.remedy).toContain('lan');
    expect(run.world.done).not.toContain('pull');
    expect(run.world.source.reserved).toBe(false);
  },
);
