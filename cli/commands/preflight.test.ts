import type { PreflightAnswer } from '../../contracts/preflight';
import { failureOf } from '../../contracts/failure';
import { exitCodes } from '../exit';
import { routes, startFakeApi, type FakeApi } from '../testing/fake-api';
import { runInProcess } from '../testing/in-process';
import { mib, sampleHost, sampleReceipt, sampleStatus, sampleVm, vmIdA } from '../testing/samples';

const concern = (severity: 'critical' | 'warning', outcome: 'found' | 'not-known' = 'found') => ({
  checkId: 'memory',
  severity,
  outcome,
  fields: [{ name: 'destination.memory', value: '{"freeBytes":1}' }],
  message: 'VM web01 needs 4 bytes of memory; the destination host has 1 free.',
  remedy: 'Free memory on the destination host, or choose another.',
});
const answer = (change: Partial<PreflightAnswer>): PreflightAnswer => ({
  schema: 1,
  refusal: null,
  concerns: [],
  checks: [
    { checkId: 'memory', outcome: 'found' },
    { checkId: 'vlan', outcome: 'passed' },
    { checkId: 'lun-own', outcome: 'not-of-this-kind' },
  ],
  ...change,
});
const page = (...items: unknown[]) => ({ items, next: null });

const opened: FakeApi[] = [];
async function serving(found: PreflightAnswer, asked: unknown[] = []): Promise<string> {
  const api = await startFakeApi(
    routes({
      'GET /hosts': page(sampleHost('host-a', { '/vm': mib }), sampleHost('host-b', { '/vm': mib, '/big': 9 * mib })),
      'GET /hosts/host-a/vms': page(sampleVm()),
      'GET /hosts/host-b/vms': page(),
      'POST /preflight': ({ body }: { body: unknown }) => {
        asked.push(body);
        return { status: 200, body: found };
      },
      'GET /migrations/m1': { ...sampleStatus(), concerns: [concern('warning')], concernsLeftOut: 3 },
      'GET /migrations/m1/receipt': { ...sampleReceipt(), concerns: [concern('warning')] },
    }),
  );
  opened.push(api);
  return api.url;
}
afterAll(() => Promise.all(opened.map((one) => one.close())));

const words = ['preflight', 'web01', '--to', 'host-b', '--kind', 'warm', '--outage', '30s'];

test('a refusal is told with its remedy and has an exit code of its own; the request carries no id', async () => {
  const asked: unknown[] = [];
  const refusal = failureOf('NotEnoughMemory', { message: 'no' });
  const url = await serving(answer({ refusal, concerns: [concern('critical')] }), asked);
  const run = await runInProcess([...words, '--api', url]);
  expect(run.code).toBe(exitCodes.preflightRefused.code);
  expect(run.stdout).toContain('a run would be refused');
  expect(run.stdout).toContain('critical: VM web01 needs 4 bytes of memory');
  expect(run.stdout).toContain('remedy: Free memory');
  expect(run.stdout).toContain('2 checks: 1 passed, 1 found something');
  expect(asked).toEqual([
    expect.objectContaining({ kind: 'warm', vmId: vmIdA, destinationHost: 'host-b', destinationFolder: '/big' }),
  ]);
  expect(asked[0]).not.toHaveProperty('id');
});

test('what becomes of a role is asked for by --role, of kinds that take a VM off its cluster', async () => {
  const asked: unknown[] = [];
  const url = await serving(answer({}), asked);
  const ofRole = (kind: string, role: string) =>
    runInProcess(['preflight', 'web01', '--to', 'host-b', '--kind', kind, '--role', role, '--api', url]);
  expect((await ofRole('lan', 'make')).code).toBe(exitCodes.done.code);
  expect(asked).toEqual([expect.objectContaining({ kind: 'lan', role: 'make' })]);
  const live = await ofRole('live', 'leave');
  expect([live.code, live.stderr]).toEqual([exitCodes.badInput.code, expect.stringContaining('its role goes along')]);
  expect((await ofRole('lan', 'keep')).stderr).toContain('Allowed choices are leave, make');
  expect(asked).toHaveLength(1);
});

test('warnings, and what is not known, refuse nothing', async () => {
  const url = await serving(answer({ concerns: [concern('warning'), concern('warning', 'not-known')] }));
  const run = await runInProcess([...words, '--api', url]);
  expect(run).toMatchObject({ code: exitCodes.done.code, stderr: '' });
  expect(run.stdout).toContain('a run would begin');
  expect(run.stdout).toContain('warning, not known: VM web01');
});

test('--json prints the findings with their facts, and every check', async () => {
  const found = answer({ concerns: [concern('warning')] });
  const run = await runInProcess([...words, '--json', '--api', await serving(found)]);
  expect(JSON.parse(run.stdout)).toMatchObject({ request: { kind: 'warm' }, ...found });
});

test('what a run was warned of stands in its status and in its receipt', async () => {
  const url = await serving(answer({}));
  const status = await runInProcess(['status', 'm1', '--api', url]);
  expect(status.stdout).toContain('Preflight:\n  warning: VM web01 needs 4 bytes');
  expect(status.stdout).toContain('and 3 more');
  const receipt = await runInProcess(['receipt', 'm1', '--api', url]);
  expect(receipt.stdout).toContain('warning: VM web01 needs 4 bytes');
});

test('seeds go out with the request, each with its disk; one without a file is refused before anybody is asked', async () => {
  const asked: unknown[] = [];
  const url = await serving(answer({}), asked);
  const seeds = ['--seed', 'scsi-0-0=/big/a=b.vhdx', '--seed', 'scsi-0-1=/big/old.vhdx'];
  await runInProcess([...words, ...seeds, '--api', url]);
  expect(asked).toEqual([
    expect.objectContaining({
      seeds: [
        { diskId: 'scsi-0-0', path: '/big/a=b.vhdx' },
        { diskId: 'scsi-0-1', path: '/big/old.vhdx' },
      ],
    }),
  ]);
  const wrong = await runInProcess([...words, '--seed', 'scsi-0-0', '--api', url]);
  expect(wrong.code).toBe(exitCodes.badInput.code);
  expect(wrong.stderr).toContain('Give a disk and its file');
  expect(asked.length).toBe(1);
});
