import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { HostUnderTest } from '../testing/run-host';
import { makeSampleFolder, type SampleFolder } from '../testing/sample-folder';

// Work that is bad for its worker: the worker is replaced, the work ends after a bounded number of tries, others do not suffer.

let sample: SampleFolder;
let host: HostUnderTest;

beforeAll(async () => {
  sample = makeSampleFolder();
  host = await HostUnderTest.start(sample.folder, [], {
    ...sample.environment,
    HYPERFERRY_WORKER_MEMORY_MIB_MAX: '400',
    languageWorkers__node__arguments: '--max-old-space-size=150',
  });
});
afterAll(async () => {
  await host.end('SIGKILL');
  sample.folder.remove();
});

const status = z.looseObject({ workerRestarts: z.int(), worker: z.object({ pid: z.int().nullable() }) });
const restarts = async (): Promise<number> =>
  status.parse(await (await host.fetch('/admin/host/status')).json()).workerRestarts;

test('an orchestrator whose turns kill the worker fails after five, with that reason, and others go on', async () => {
  const before = await restarts();
  const wedged = await host.start('Wedged');
  const bystander = await host.start('Chain', 10);
  const ended = await host.ended(wedged, 60_000);
  expect(ended.runtimeStatus).toBe('Failed');
  expect(ended.output).toContain('it took its worker down 5 times: it ended with exit code 7');
  expect(await host.ended(bystander, 60_000)).toMatchObject({ runtimeStatus: 'Completed', output: 45 });
  // Its neighbour may have been there at the first two; it runs alone from then on.
  expect((await restarts()) - before).toBe(5);
});

test.each([
  ['that is replayed each turn', 5],
  ['that is played ahead', 30],
])('a chain %s, whose code kills the worker, does no activity twice', async (_, after) => {
  const before = await restarts();
  const id = await host.start('Stumbles', { length: 35, after });
  expect(await host.ended(id, 60_000)).toMatchObject({ runtimeStatus: 'Completed', output: 'arrived' });
  expect((await restarts()) - before).toBe(1);
  const effects = readFileSync(join(sample.traces, 'effects'), 'utf8').split('\n');
  const own = effects.filter((line) => line.startsWith(`${id}/`));
  expect(own).toEqual(Array.from({ length: 35 }, (_line, n) => `${id}/${n}`));
});

const testOnLinux = process.platform === 'linux' ? test : test.skip;
testOnLinux(
  'a worker that eats the memory of the machine is replaced, though it answers nobody meanwhile',
  async () => {
    const ended = await host.ended(await host.start('Calls', { activity: 'EatBuffersOnce', input: 'buffers' }), 60_000);
    expect(ended.output).toEqual({ result: 'survived' });
    expect(host.log.join('\n')).toMatch(/is gone: it holds \d+ MiB of memory, above the limit of 400 MiB/);
  },
);

test('a worker whose heap is full is replaced, and that is said', async () => {
  const ended = await host.ended(await host.start('Calls', { activity: 'EatHeapOnce', input: 'heap' }), 60_000);
  expect(ended.output).toEqual({ result: 'survived' });
  expect(host.log.join('\n')).toMatch(/is gone: .*(heap is full|above the limit)/);
});

test('afterwards it is ready and serves', async () => {
  expect((await host.fetch('/readyz')).status).toBe(200);
  expect((await host.ended(await host.start('Chain', 4))).output).toBe(6);
});
