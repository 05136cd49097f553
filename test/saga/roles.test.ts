import { kinds, kindTakes, type Kind } from '../../contracts/migration';
import type { OperationKind } from '../../contracts/operations';
import { sampleOutputs, sampleRole } from '../samples/operation-outputs';
import { OneRun } from './run-one';
import type { Plan } from './world';

const takers = kinds.filter((kind) => kindTakes(kind, 'role'));
const stops: readonly OperationKind[] = ['save-vm', 'shut-down-vm', 'move-whole'];
const ofRoles: readonly OperationKind[] = ['remove-role', 'restore-role', 'make-role'];

async function runOf(kind: Kind, more: object, plans: readonly Plan[] = []): Promise<OneRun> {
  const run = new OneRun(plans, 1, kind, {}, more);
  await run.begin();
  await run.onward();
  return run;
}

const roleOperations = ({ world }: OneRun): OperationKind[] => world.done.filter((one) => ofRoles.includes(one));
const receiptOf = (run: OneRun): unknown => run.receipts.at(-1);

test('the kinds that take a VM off its cluster are asked what becomes of its role', () => {
  expect(takers).toEqual(['quick-storage', 'shared-nothing', 'warm', 'lan']);
});

describe.each(takers)('%s', (kind) => {
  test('asks no host for anything of a role where the request says nothing of it', async () => {
    const run = await runOf(kind, {});
    expect(run.report.state).toBe('completed');
    expect(roleOperations(run)).toEqual([]);
    expect(receiptOf(run)).not.toHaveProperty('told.role');
  });

  test('removes the role before the VM is stopped or moved, and leaves it behind', async () => {
    const run = await runOf(kind, { role: 'leave' });
    expect(run.report.state).toBe('completed');
    expect(roleOperations(run)).toEqual(['remove-role']);
    const { done } = run.world;
    const [removed, stopped] = [done.indexOf('remove-role'), done.findIndex((one) => stops.includes(one))];
    expect(removed).toBeLessThan(stopped);
    // Nothing of the run stands between: the VM is without protection for as short as can be.
    expect(done.slice(removed, stopped)).toEqual(['remove-role']);
    expect(run.world.violations).toEqual([]);
  });

  test('makes it at the destination once the guest has answered, with what it was set to', async () => {
    const run = await runOf(kind, { role: 'make' });
    expect(run.report.state).toBe('completed');
    expect(run.world.arrived).toBe(true);
    expect(roleOperations(run)).toEqual(['remove-role', 'make-role']);
    const { done } = run.world;
    expect(done.indexOf('await-heartbeat')).toBeLessThan(done.indexOf('make-role'));
    const asked = run.agents.inputs.find((one) => one.kind === 'make-role');
    expect(asked?.input).toMatchObject({ settings: sampleRole });
    expect(receiptOf(run)).toMatchObject({
      told: { role: { ...sampleOutputs['remove-role'], restored: false, made: sampleOutputs['make-role'] } },
    });
  });

  test('that is taken back makes the role again, and says so', async () => {
    const pivot = kind === 'shared-nothing' ? 'move' : 'cutover';
    const run = await runOf(kind, { role: 'make' }, [{ phase: pivot, action: 'do', fault: 'refused', always: true }]);
    expect(run.report.state).toBe('rolled-back');
    expect(run.world.untouched).toBe(true);
    expect(roleOperations(run)).toEqual(['remove-role', 'restore-role']);
    expect(receiptOf(run)).toMatchObject({ told: { role: { restored: true, made: null } } });
  });

  test('whose undo of the role is skipped says what the role was, in its receipt and to whoever asks the host', async () => {
    const pivot = kind === 'shared-nothing' ? 'move' : 'cutover';
    const run = await runOf(kind, { role: 'make' }, [
      { phase: pivot, action: 'do', fault: 'refused', always: true },
      { kind: 'restore-role', fault: 'refused', always: true },
    ]);
    expect(run.report).toMatchObject({ state: 'parked', question: { answers: ['retry', 'skip'] } });
    await run.answer('skip');
    expect(run.ended).toBe(true);
    expect(receiptOf(run)).toMatchObject({
      told: { role: { ...sampleOutputs['remove-role'], restored: false, made: null } },
    });
    expect(run.world.source.removedRole).toBe(true);
  });
});

test('runs that began before roles were asked for go on without', async () => {
  for (const kind of takers) {
    const run = new OneRun([], 1, kind, {}, { role: 'make' }, undefined, 2);
    await run.begin();
    await run.onward();
    expect(roleOperations(run)).toEqual([]);
  }
});
