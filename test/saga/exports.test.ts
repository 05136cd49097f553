import type { OperationKind } from '../../contracts/operations';
import { OneRun } from './run-one';
import type { Fault, Plan } from './world';

async function exportRun(plans: readonly Plan[] = [], more: object = {}): Promise<OneRun> {
  const run = new OneRun(plans, 1, 'export', {}, more);
  await run.begin();
  await run.onward();
  return run;
}

test('a VM that runs is exported below a VM checkpoint, which is merged back', async () => {
  const run = await exportRun();
  expect(run.report.state).toBe('completed');
  expect(run.world.done).toEqual(
    expect.arrayContaining(['take-vm-checkpoint', 'export-vm', 'publish-export', 'remove-vm-checkpoint', 'release']),
  );
  expect(run.world.source).toMatchObject({ state: 'running', vmCheckpoint: false, reserved: false, published: true });
});

test('a configuration alone needs no VM checkpoint', async () => {
  const run = await exportRun([], { part: 'configuration' });
  expect(run.report.state).toBe('completed');
  expect(run.world.done).not.toContain('take-vm-checkpoint');
});

describe.each<Fault>(['refused', 'failed after effect'])('%s', (fault) => {
  test.each<OperationKind>(['reserve-vm', 'check-disks', 'take-vm-checkpoint', 'export-vm'])(
    'at %s: the export unwinds and nothing is left',
    async (kind) => {
      const run = await exportRun([{ kind, fault }]);
      expect(['rolled-back', 'rejected']).toContain(run.report.state);
      expect(run.world.untouched).toBe(true);
    },
  );
});

const folder = { sourceFolder: '/exports/vm', newVmId: '99999999-2222-4333-8444-555555555555' };

async function importRun(
  policy: object,
  plans: readonly Plan[] = [],
  more: object = {},
  madeSwitch = { made: true },
): Promise<OneRun> {
  const run = new OneRun(plans, 1, 'import', policy, { ...folder, ...more });
  run.world.madeSwitch = madeSwitch;
  run.world.fixUps = [{ what: 'switch', from: 'LAN', to: 'not connected' }];
  await run.begin();
  await run.onward();
  return run;
}

test('what an import has to change is shown, and nothing is touched before it is accepted', async () => {
  const run = await importRun({});
  expect(run.report.question).toMatchObject({ answers: ['accept'] });
  expect(run.report.question?.text).toContain('switch: LAN becomes not connected');
  expect(run.world.done).toEqual(['compare-import']);
  expect((await run.answer('accept')).state).toBe('completed');
  const kinds = ['place-vm', 'copy-import', 'import-configuration', 'start-vm'];
  expect(run.world.done).toEqual(expect.arrayContaining(kinds));
  expect(run.agents.inputs.find(({ kind }) => kind === 'start-vm')?.input).toMatchObject({
    vmId: folder.newVmId,
    power: 'leave',
  });
});

test('in place nothing is copied, and no room is asked for', async () => {
  const run = await importRun({ fixUps: 'apply', start: true }, [], { destinationFolder: undefined });
  expect(run.report.state).toBe('completed');
  expect(run.world.done).toEqual(expect.arrayContaining(['adopt-import', 'start-vm']));
  for (const kind of ['copy-import', 'place-vm', 'reserve-room'] as const) expect(run.world.done).not.toContain(kind);
});

describe.each<Fault>(['refused', 'failed after effect'])('import: %s', (fault) => {
  test.each<OperationKind>(['compare-import', 'place-vm', 'copy-import', 'import-configuration'])(
    'at %s: it unwinds and leaves no placeholder',
    async (kind) => {
      const run = await importRun({ fixUps: 'apply' }, [{ kind, fault }]);
      expect(['rolled-back', 'rejected']).toContain(run.report.state);
      expect(run.world.destination).toMatchObject({ planned: false, copies: 0, imported: false, reserved: false });
    },
  );
});

describe('an import that makes a switch', () => {
  const madeSwitch = { destinationSwitch: 'lab', makeSwitch: 'private' };
  const toldBy = (run: OneRun) => (run.receipts[0] as { told: { configurationChanges: string[] } }).told;

  test('makes it before the placeholder, tells so, and leaves it without the mark of the run', async () => {
    const run = await importRun({ fixUps: 'apply' }, [], madeSwitch);
    expect(run.report.state).toBe('completed');
    const { done } = run.world;
    expect(done.indexOf('make-switch')).toBeGreaterThan(done.indexOf('reserve-room'));
    expect(done.indexOf('place-vm')).toBeGreaterThan(done.indexOf('make-switch'));
    expect(run.world.source).toMatchObject({ switchMade: false, registered: true });
    expect(done).not.toContain('remove-switch');
    expect(toldBy(run).configurationChanges).toContain('The virtual switch "lab" (private) was made.');
    const inputs = run.agents.inputs.filter(({ kind }) => kind === 'make-switch').map(({ input }) => input);
    expect(inputs).toEqual([{ vmId: folder.newVmId, name: 'lab', type: 'private' }]);
    const compared = run.agents.inputs.find(({ kind }) => kind === 'compare-import')?.input;
    expect(compared).toMatchObject({ switchName: 'lab', makesSwitch: 'private' });
    const copied = run.agents.inputs.find(({ kind }) => kind === 'copy-import')?.input;
    expect(copied).not.toHaveProperty('makesSwitch');
  });

  test('tells of none where the host had one, and asks for none where the request does not', async () => {
    const there = await importRun({ fixUps: 'apply' }, [], madeSwitch, { made: false });
    expect(toldBy(there).configurationChanges.join()).not.toContain('was made');
    const none = await importRun({ fixUps: 'apply' }, [], { destinationSwitch: 'lab' });
    expect(none.report.state).toBe('completed');
    expect(none.world.done).not.toContain('make-switch');
  });

  test.each<[Fault, OperationKind]>([
    ['refused', 'place-vm'],
    ['failed after effect', 'make-switch'],
    ['failed after effect', 'import-configuration'],
  ])('%s at %s: it unwinds, and the switch is gone', async (fault, kind) => {
    const run = await importRun({ fixUps: 'apply' }, [{ kind, fault }], madeSwitch);
    expect(['rolled-back', 'rejected']).toContain(run.report.state);
    expect(run.world.done).toContain('remove-switch');
    expect(run.world.untouched).toBe(true);
    expect(run.world.violations).toEqual([]);
  });

  test('refused, it removes none', async () => {
    const run = await importRun({ fixUps: 'apply' }, [{ kind: 'make-switch', fault: 'refused' }], madeSwitch);
    expect(run.report.state).toBe('rejected');
    expect(run.world.done).not.toContain('remove-switch');
    expect(run.world.untouched).toBe(true);
  });

  test('a run of version 2 ends without the phase', async () => {
    const run = new OneRun([], 1, 'import', { fixUps: 'apply' }, folder, undefined, 2);
    await run.begin();
    await run.onward();
    const { phases } = run.receipts[0] as { phases: { name: string }[] };
    expect(phases.map(({ name }) => name)).not.toContain('switch');
    expect(run.report.state).toBe('completed');
  });
});
