import { OneRun } from './run-one';

async function movedWith(movingLooks: number): Promise<OneRun> {
  const run = new OneRun([{ kind: 'move-live', fault: 'failed after effect' }], 1, 'live');
  run.world.movingLooks = movingLooks;
  await run.begin();
  await run.onward();
  return run;
}

test('a VM that is on its way when a move loses its reply is waited for, and the run goes on', async () => {
  const run = await movedWith(3);
  expect(run.report.state).toBe('completed');
  expect(run.world.arrived).toBe(true);
  expect(run.world.done.filter((kind) => kind === 'locate-vm')).toHaveLength(8);
});

test('one that never arrives is for a person', async () => {
  const run = await movedWith(1000);
  expect(run.report).toMatchObject({ state: 'parked', question: { failure: { code: 'MoveUnsettled' } } });
});
