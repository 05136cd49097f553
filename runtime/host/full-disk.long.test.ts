import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { HostUnderTest } from '../testing/run-host';
import { makeSampleFolder, type SampleFolder } from '../testing/sample-folder';

// A disk that is full, by a limit that the operating system puts on the size of the files of the host's process: from then on every
// write beyond it fails, and when the limit is lifted there is room again.

const canLimit = process.platform === 'linux' && spawnSync('prlimit', ['--version']).status === 0;
const limit = (pid: number, bytes: number | 'unlimited'): void => {
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
};

let sample: SampleFolder;
beforeEach(() => {
  sample = makeSampleFolder();
});
afterEach(() => sample.folder.remove());

async function until(what: string, isIt: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isIt()); tries += 1) {
    if (tries > 600) throw new Error(`${what} has not come true`);
    await sleep(50);
  }
}

const testOnLinux = canLimit ? test : test.skip;
testOnLinux(
  'a full disk stops what is acknowledged, is said by readiness, and nothing is lost or stuck when there is room again',
  async () => {
    const host = await HostUnderTest.start(sample.folder, [], sample.environment);
    const post = (path: string, body = ''): Promise<Response> =>
      fetch(`${host.durable}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    await host.start('Listens', undefined, 'listens');
    await host.raiseEvent('listens', 'first', 'kept');
    await host.start('Naps', 3, 'naps');
    expect((await host.fetch('/readyz')).status).toBe(200);

    limit(host.pid, 4096);
    const refused = await post('/orchestrators/Chain/refused', '3');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
    expect((await post('/instances/listens/raiseEvent/second', '"lost"')).status).toBe(503);
    const notReady = await host.fetch('/readyz');
    expect([notReady.status, await notReady.json()]).toEqual([
      503,
      { status: 'notReady', reasons: ['stateTakesNoWrites'] },
    ]);
    expect((await host.fetch('/healthz')).status).toBe(200);
    expect(await (await host.fetch('/admin/host/status')).json()).toMatchObject({ stateFiles: { takesWrites: false } });
    expect(await host.exists('refused')).toBe(false);
    // Long enough for a nap to be over, whose end cannot be written.
    await sleep(500);
    expect((await host.status('naps')).runtimeStatus).toMatch(/Pending|Running/);

    limit(host.pid, 'unlimited');
    await until('readiness', async () => (await host.fetch('/readyz')).status === 200);
    expect((await host.ended('naps')).output).toBe(3);
    await host.start('Chain', 3, 'refused');
    expect((await host.ended('refused')).output).toBe(3);
    await host.raiseEvent('listens', 'second', 'there');
    expect((await host.ended('listens')).output).toEqual(['kept', 'there']);
    expect(await host.end('SIGTERM')).toBe(0);
  },
);

testOnLinux('killed while the disk is full, it goes on with what it had acknowledged', async () => {
  const host = await HostUnderTest.start(sample.folder, [], sample.environment);
  await host.start('Naps', 4, 'naps');
  limit(host.pid, 4096);
  await sleep(300);
  await host.end('SIGKILL');
  const again = await HostUnderTest.start(sample.folder, [], sample.environment);
  expect((await again.ended('naps')).output).toBe(4);
  await again.end('SIGKILL');
});
