import type { Kind } from '../../contracts/migration';
import { OneRun } from './run-one';
import type { Plan } from './world';

async function runWith(kind: Kind, plans: readonly Plan[] = [], route = 'staged'): Promise<OneRun> {
  const run = new OneRun(plans, 1, kind, {}, { route });
  await run.begin();
  await run.onward();
  return run;
}

test.each<Kind>(['lan', 'quick-storage', 'warm'])(
  '%s over the staged route stages each file at the source and copies it at the destination',
  async (kind) => {
    const run = await runWith(kind);
    expect(run.report.state).toBe('completed');
    expect(run.world.violations).toEqual([]);
    const namesOf = (of: string) =>
      run.agents.inputs.filter((one) => one.kind === of).map(({ input }) => (input as { name: string }).name);
    expect(namesOf('stage').length).toBeGreaterThan(1);
    expect(namesOf('pull-staged')).toEqual(namesOf('stage'));
    expect(run.world.done).not.toContain('pull');
    expect(run.leaves).toBe(1);
  },
);

test.each<[string, Plan['kind']]>([
  ['the source fails to stage', 'stage'],
  ['the destination fails to copy', 'pull-staged'],
])('where %s, the run unwinds, and lets go of what it staged', async (_, kind) => {
  const run = await runWith('lan', kind === undefined ? [] : [{ kind, fault: 'failed after effect' }]);
  expect(run.report.state).toBe('rolled-back');
  expect(run.world.untouched).toBe(true);
  expect(run.leaves).toBe(1);
});

test('a run whose staged blocks cannot be let go of ends all the same', async () => {
  const run = new OneRun([], 1, 'lan', {}, { route: 'staged' });
  run.leavesFail = true;
  await run.begin();
  expect((await run.onward()).state).toBe('completed');
  expect(run.leaves).toBe(3);
  expect(run.receipts).toHaveLength(1);
});

test('a run over the direct route has nothing to let go of', async () => {
  const run = await runWith('lan', [], 'direct');
  expect(run.world.done).not.toContain('stage');
  expect(run.leaves).toBe(0);
});
