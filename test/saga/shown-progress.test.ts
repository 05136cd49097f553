import { OneRun } from './run-one';

/** Has the agents say how far the copy is, and lets the run look. */
async function says(run: OneRun, bytesDone: number): Promise<number | undefined> {
  for (const [operationId, view] of run.agents.views) {
    if (view.kind !== 'pull' || view.state !== 'running') continue;
    const progress = { bytesDone, bytesTotal: 10, bytesPerSecond: 1, waitingFor: null };
    run.agents.views.set(operationId, { ...view, progress });
  }
  await run.engine.advance(6_000);
  return run.report.progress?.bytesDone;
}

test('a copy that an agent begins anew takes nothing back from what was shown', async () => {
  const run = new OneRun();
  run.agents.looksUntilDone.set('pull', 1000);
  await run.begin();
  await run.engine.advance(6_000);
  expect(run.report.phase).toBe('copy-base');
  expect(await says(run, 4)).toBe(4);
  expect(await says(run, 0)).toBe(4);
  expect(await says(run, 7)).toBe(7);
  expect(run.report.progress?.disks[0]?.bytesDone).toBe(7);
});
