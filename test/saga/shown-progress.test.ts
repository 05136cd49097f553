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

test('a history that is cut in the middle of a copy takes nothing from what is shown', async () => {
  const run = new OneRun();
  run.agents.looksUntilDone.set('pull', 100);
  await run.begin();
  await run.engine.advance(6_000);
  await says(run, 4);
  for (let second = 0; second < 1_000 && !run.isRenewed; second += 1) {
    expect(run.report).toMatchObject({ phase: 'copy-base', progress: { bytesDone: 4 } });
    await run.engine.advance(1_000);
  }
  expect(run.isRenewed).toBe(true);
  expect(run.report).toMatchObject({ phase: 'copy-base', progress: { bytesDone: 4 } });
});

test('over the rounds of a pre-copy what is shown as done only grows, and holds what earlier rounds did', async () => {
  const gib = 1024 ** 3;
  const run = new OneRun([], 1, 'warm');
  run.world.changedBytes = [9 * gib, 3 * gib, gib, 0];
  // Each copy takes some looks, in which the run shows how far it is.
  const start = run.agents.start.bind(run.agents);
  run.agents.start = (kind, asked) => {
    if (kind === 'pull') run.agents.looksUntilDone.set('pull', 2);
    return start(kind, asked);
  };
  await run.begin();
  const shown: { done: number; total: number }[] = [];
  for (let second = 0; second < 300 && !run.ended; second += 1) {
    await run.engine.advance(1000);
    const { phase, progress } = run.report;
    if (phase === 'pre-copy' && progress !== null) shown.push({ done: progress.bytesDone, total: progress.bytesTotal });
  }
  const done = shown.map((one) => one.done);
  expect(done).toEqual([...done].sort((one, other) => one - other));
  // The first pass and each of the rounds carry ten bytes here.
  expect(new Set(shown.map((one) => one.total))).toEqual(new Set([10, 20, 30]));
});
