import { OneRun } from './run-one';

/** A run whose disks are being copied, with something that happens during the next look at it. */
async function copying(duringLook: (run: OneRun) => Promise<void>): Promise<OneRun> {
  const run = new OneRun();
  run.agents.slow = { phase: 'copy-base', looks: 20 };
  let begun = false;
  run.duringLook = async () => {
    if (begun || run.report.phase !== 'copy-base') return;
    begun = true;
    await duringLook(run);
  };
  await run.begin();
  await run.onward();
  expect(begun).toBe(true);
  return run;
}

const cancel = { command: 'cancel', reason: 'a person' };

test('a cancel is confirmed while a host keeps a look waiting', async () => {
  let shown: boolean | undefined;
  const run = await copying(async (one) => {
    await one.engine.raiseEvent('m1-r1', 'command', cancel);
    await one.turns();
    shown = one.report.cancelRequested;
  });
  expect(shown).toBe(true);
  expect(run.report).toMatchObject({ state: 'rolled-back', failure: { code: 'CanceledByOperator' } });
  expect(run.world.untouched).toBe(true);
});

test('a cancel that is heard between two looks is confirmed before the next one is answered', async () => {
  const run = new OneRun([{ kind: 'move-live', fault: 'failed after effect' }], 1, 'live');
  // Where the VM is is asked whatever a cancel says, and this host takes its time.
  run.agents.looksUntilDone.set('locate-vm', 50);
  await run.begin();
  for (let seconds = 0; seconds < 600 && !run.agents.starts.some(({ kind }) => kind === 'locate-vm'); seconds++)
    await run.engine.advance(1000);
  const shown: boolean[] = [];
  run.duringLook = async () => void shown.push(run.report.cancelRequested);
  await run.send(cancel);
  await run.engine.advance(30_000);
  expect(shown.length).toBeGreaterThan(0);
  expect(shown).not.toContain(false);
});

test('a pause and a cancel during one look are both heard', async () => {
  const shown: boolean[] = [];
  const run = await copying(async (one) => {
    await one.engine.raiseEvent('m1-r1', 'command', { command: 'pause' });
    await one.turns();
    shown.push(one.report.paused);
    await one.engine.raiseEvent('m1-r1', 'command', cancel);
    await one.turns();
    shown.push(one.report.cancelRequested);
  });
  // This copy cannot be paused; the cancel that comes behind it is heard all the same.
  expect(shown).toEqual([false, true]);
  expect(run.report.state).toBe('rolled-back');
});

test('an operation that its agent does not know is not sent again once the run is canceled', async () => {
  const run = await copying(async (one) => {
    one.agents.views.clear();
    await one.engine.raiseEvent('m1-r1', 'command', cancel);
    await one.turns();
  });
  const copies = run.agents.starts.filter(({ kind }) => kind === 'pull');
  expect(new Set(copies.map(({ operationId }) => operationId)).size).toBe(copies.length);
  expect(run.report.state).toBe('rolled-back');
});
