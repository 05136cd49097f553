import { failureOf } from '../../contracts/failure';
import { kinds } from '../../contracts/migration';
import type { PreflightReport } from '../../contracts/preflight';
import { itineraries } from '../../functions/orchestrators/kinds';
import { OneRun } from './run-one';
import { refusedBy } from './world';

const critical = refusedBy(failureOf('NotEnoughRoom', { message: '/big has 5 bytes free; 9 are needed.' }));
const warning: PreflightReport = {
  schema: 1,
  refusal: null,
  concerns: critical.concerns.map((one) => ({ ...one, severity: 'warning' })),
};

async function begun(kind: (typeof kinds)[number], found: readonly PreflightReport[], version?: number) {
  const more = kind === 'import' ? { sourceFolder: '/exports/web' } : {};
  const run = new OneRun([], 1, kind, {}, more, undefined, version);
  run.agents.found = [...found];
  await run.begin();
  return run;
}

test('preflight is the first phase of every kind, and before the pivot', () => {
  for (const { phases, pivotIndex } of itineraries) {
    expect(phases[0]?.name).toBe('preflight');
    expect(pivotIndex).toBeGreaterThan(0);
  }
  expect(itineraries).toHaveLength(kinds.length);
});

describe.each(kinds)('%s', (kind) => {
  test('a critical finding refuses the run before a host is touched, and stands in its status and its receipt', async () => {
    const run = await begun(kind, [critical]);
    const report = await run.onward();
    expect(report).toMatchObject({
      state: 'rejected',
      failure: { code: 'NotEnoughRoom' },
      concerns: [{ checkId: 'room', severity: 'critical', message: '/big has 5 bytes free; 9 are needed.' }],
    });
    expect(run.world.done).toEqual([]);
    expect(run.agents.starts).toEqual([]);
    expect(run.receipts).toMatchObject([{ state: 'rejected', told: { concerns: critical.concerns } }]);
  });

  test('a run that began with version 1, before there was preflight, ends without it', async () => {
    const run = await begun(kind, [critical], 1);
    if (kind !== 'export' && kind !== 'import') expect((await run.onward()).state).toBe('completed');
    else expect((await run.onward()).state).not.toBe('rejected');
    expect(run.agents.found).toHaveLength(1);
    expect(run.report.concerns).toEqual([]);
  });
});

test('a warning stops nothing: it is shown while the run goes on, and told in its receipt', async () => {
  const run = await begun('quick-storage', [warning]);
  run.agents.slow = { phase: 'copy-base', looks: 3 };
  await run.engine.advance(2000);
  for (let second = 0; second < 60 && run.report.phase !== 'copy-base'; second += 1) await run.engine.advance(1000);
  expect(run.report).toMatchObject({ phase: 'copy-base', concerns: [{ severity: 'warning' }], concernsLeftOut: 0 });
  expect((await run.onward()).state).toBe('completed');
  expect(run.receipts).toMatchObject([{ told: { concerns: warning.concerns } }]);
});

test('what may pass by itself is looked at again, and the run goes on when it has passed', async () => {
  const busy = refusedBy(failureOf('VmBusy', { message: 'Run m9-r1 has reserved VM web01.' }));
  const run = await begun('lan', [busy, busy, { schema: 1, refusal: null, concerns: [] }]);
  expect((await run.onward()).state).toBe('completed');
  expect(run.report.concerns).toEqual([]);
});

test('what does not pass in five minutes rejects the run', async () => {
  const busy = refusedBy(failureOf('VmBusy', { message: 'Run m9-r1 has reserved VM web01.' }));
  const run = await begun(
    'lan',
    Array.from({ length: 200 }, () => busy),
  );
  expect(await run.onward()).toMatchObject({ state: 'rejected', failure: { code: 'VmBusy' } });
  expect(run.world.done).toEqual([]);
});
