import type { Kind } from '../../contracts/migration';
import { OneRun } from './run-one';
import type { Plan } from './world';

/** What the receipt of a run says of the outage; questions at the pivot are answered with `accept`. */
async function outageOf(kind: Kind, plans: readonly Plan[]): Promise<unknown> {
  const run = new OneRun(plans, 1, kind);
  await run.begin();
  let report = await run.onward();
  while (report.question !== null) report = await run.answer('accept');
  const [receipt] = run.receipts as { readonly told: { readonly outage: unknown } }[];
  return receipt?.told.outage;
}

test.each(['live', 'storage', 'shared-nothing'] as const)('%s tells what the hypervisor measured', async (kind) => {
  expect(await outageOf(kind, [])).toMatchObject({ type: 'measured' });
});

test.each([
  ['live', 'move-live'],
  ['storage', 'move-storage'],
  ['shared-nothing', 'move-whole'],
] as const)('%s says that nothing was measured when the reply of %s was lost for good', async (kind, operation) => {
  expect(await outageOf(kind, [{ kind: operation, fault: 'failed after effect' }])).toMatchObject({
    type: 'not-measured',
    because: expect.stringContaining('reply'),
  });
});

test('a start that a person vouched for has no measured outage', async () => {
  const outage = await outageOf('quick-storage', [{ kind: 'start-vm', fault: 'failed after effect' }]);
  expect(outage).toMatchObject({ type: 'not-measured', because: expect.stringContaining('a person') });
});

test('a run that fails before it stops the VM had no outage', async () => {
  expect(await outageOf('quick-storage', [{ kind: 'reserve-room', fault: 'refused' }])).toEqual({ type: 'none' });
});
