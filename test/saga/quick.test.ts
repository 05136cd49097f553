import { OneRun } from './run-one';

test('a role is asked back only once the source node has said that it gives it away no more', async () => {
  const run = new OneRun([{ phase: 'start', action: 'do', fault: 'refused', always: true }], 1, 'quick');
  await run.begin();
  expect((await run.onward()).state).toBe('rolled-back');
  expect(run.world.untouched).toBe(true);
  const { done } = run.world;
  expect(done.slice(done.indexOf('move-role'))).toEqual([
    'move-role',
    'locate-vm',
    'return-role',
    'resume-vm',
    'withdraw-vm',
    'release',
  ]);
});
