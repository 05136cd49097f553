import { readdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { DiskFacts } from '../../contracts/facts';
import type { PullSubject } from '../../contracts/operations';
import { sumOf } from '../../contracts/operations/shapes';
import { systemClock } from '../../agent/clock';
import { AgentProcess } from './agent-process';
import type { App } from './app';
import { destination, mib, SmallSite, source } from './small-site';

// Real processes, on a machine that may be busy with others.
jest.setTimeout(90_000);

describe('agents as processes, through a relay', () => {
  let site: SmallSite;
  let app: App;

  beforeEach(async () => {
    site = await SmallSite.make();
    ({ app } = site);
  });
  afterEach(() => site.close());

  test('a VM moves from one agent to the other on real bytes, both killed on the way, and what was started is never removed', async () => {
    let from = await site.start(source);
    let to = await site.start(destination);
    const place = { vmId: site.vmId, folder: site.folderOn(destination, 'moved') };
    const of = { vmId: site.vmId };

    async function pull(subject: PullSubject, bandwidthBytesPerSecondMax?: number): Promise<string> {
      const id = app.nextId('pull');
      const limit = bandwidthBytesPerSecondMax === undefined ? {} : { bandwidthBytesPerSecondMax };
      const input = await app.pullInput({ from: source, to: destination, ...place, subject, ...limit });
      await app.start(destination, id, 'pull', input);
      return id;
    }
    async function pulled(id: string): Promise<void> {
      const view = await app.untilEnded(destination, id, 'pull', {});
      expect(view).toMatchObject({ operationId: id, state: 'succeeded' });
    }
    const images = (disks: readonly DiskFacts[], which: 'base' | 'last'): PullSubject[] =>
      disks.flatMap(({ diskId, images: files }) =>
        files
          .filter(({ index }) => (index === files.length - 1) === (which === 'last'))
          .map(({ index }) => ({ type: 'image', diskId, index }) as const),
      );

    await app.done(source, 'reserve-vm', of);
    const { disks } = await app.done(source, 'check-disks', of);
    expect(disks).toHaveLength(1);
    await app.done(destination, 'reserve-room', { ...place, roomBytes: 64 * mib, memoryBytes: mib });
    await app.done(destination, 'place-vm', { ...place, vmName: 'web' });
    const layered = await app.done(source, 'take-vm-checkpoint', of);

    // The base at a pace that leaves time to kill both ends.
    const bases = await Promise.all(images(layered.disks, 'base').map((subject) => pull(subject, 6 * mib)));
    await systemClock.sleep(600);
    await to.kill();
    to = await site.start(destination);
    expect(to.logged('operation resumed')).toBe(true);
    await from.kill();
    from = await site.start(source);
    for (const id of bases) await pulled(id);

    const saved = await app.done(source, 'save-vm', of);
    await app.done(source, 'fence-vm', of);
    await app.done(source, 'export-configuration', of);
    const rest: PullSubject[] = [
      ...images(saved.disks, 'last'),
      { type: 'file', file: 'memory' },
      { type: 'file', file: 'configuration' },
    ];
    for (const id of await Promise.all(rest.map((subject) => pull(subject)))) await pulled(id);
    await app.done(destination, 'import-configuration', { ...place, switchName: null });
    await app.done(destination, 'merge-disks', place);
    const digests = await Promise.all([
      app.done(source, 'digest-disks', { ...of, scope: 'all', side: 'source' }),
      app.done(destination, 'digest-disks', { ...of, scope: 'all', side: 'destination' }),
    ]);
    expect(digests[0].disks.map(sumOf)).toEqual(digests[1].disks.map(sumOf));

    await app.done(destination, 'start-vm', place);
    await to.kill();
    to = await site.start(destination);
    const removal = await app.operate(destination, 'remove-placeholder', place);
    expect(removal).toMatchObject({ ok: false, failure: { code: 'RefusedAfterStart' } });
    await app.done(destination, 'await-heartbeat', { ...of, waitMsMax: 10_000 });
    await app.done(source, 'retire-vm', { ...of, retire: 'delete' });
    for (const host of [source, destination]) {
      await app.done(host, 'release', of);
      expect(await app.leftovers(host)).toEqual([]);
    }
    expect(await app.vm(destination, site.vmId)).toMatchObject({ state: 'running', heartbeat: 'ok' });
    expect((await app.vms(source)).filter(({ vmId }) => vmId === site.vmId)).toEqual([]);
    expect(await Promise.all([from.end(), to.end()])).toEqual([0, 0]);
  });

  test('an agent starts without the relay, says that it waits for it, and is there when the relay comes', async () => {
    const relayUp = await site.relayDown();
    const agent = await site.start(source);
    expect(agent.logged('waits for it')).toBe(true);
    await relayUp();
    const giveUpMs = Date.now() + 10_000;
    for (;;) {
      const answer = await app.client.send({ hostId: source, method: 'GET', path: '/v1/health' });
      if (answer.ok) break;
      if (Date.now() > giveUpMs) throw new Error(answer.failure.message);
      await systemClock.sleep(100);
    }
    expect(await app.host(source)).toMatchObject({ hostId: source, driver: 'simulated' });
  });

  test('a second agent on the same state folder is refused, and the first goes on', async () => {
    await site.start(source);
    const second = await site.launch(site.configOf(source));
    expect(await second.exited).toBe(2);
    expect(second.logged('another agent uses the state folder')).toBe(true);
    expect(await app.health(source)).toMatchObject({ status: 'ok' });
  });

  test('the byte route keeps a port that it chose, takes another when that is taken, and a configured one must be free', async () => {
    const first = await site.start(source);
    const { byteRoutePort } = await first.ready;
    expect((await app.host(source)).byteRoute.port).toBe(byteRoutePort);
    await first.kill();
    const second = await site.start(source);
    expect((await second.ready).byteRoutePort).toBe(byteRoutePort);
    await second.end();

    const squatter = createServer().listen(byteRoutePort, '127.0.0.1');
    try {
      const third = await site.start(source);
      expect((await third.ready).byteRoutePort).not.toBe(byteRoutePort);
      expect(third.logged('is taken; another is used')).toBe(true);
      const fixed = await site.launch(site.configOf(destination, { port: byteRoutePort }));
      expect(await fixed.exited).toBe(2);
      expect(fixed.logged(`byteRoute.port is ${byteRoutePort}`)).toBe(true);
    } finally {
      squatter.close();
    }
  });

  test('asked to end in the middle of an operation, an agent ends soon, and carries the operation on at its next start', async () => {
    const from = await site.start(source);
    let to = await site.start(destination);
    const place = { vmId: site.vmId, folder: site.folderOn(destination, 'moved') };
    await app.done(source, 'reserve-vm', { vmId: site.vmId });
    const { disks } = await app.done(source, 'take-vm-checkpoint', { vmId: site.vmId });
    await app.done(destination, 'reserve-room', { ...place, roomBytes: 64 * mib, memoryBytes: mib });
    await app.done(destination, 'place-vm', { ...place, vmName: 'web' });
    const subject = { type: 'image', diskId: disks[0]!.diskId, index: 0 } as const;
    const slow = { from: source, to: destination, ...place, subject, bandwidthBytesPerSecondMax: 4 * mib };
    const input = await app.pullInput(slow);
    await app.start(destination, 'slow-pull', 'pull', input);
    expect((await app.leftovers(destination)).map(({ what }) => what)).toContain('running-operation');
    const waiting = app.ask(destination, 'GET', 'slow-pull?waitMs=20000');
    await systemClock.sleep(300);
    const endedAtMs = performance.now();
    expect(await to.end()).toBe(0);
    expect(performance.now() - endedAtMs).toBeLessThan(6000);
    expect(await waiting).toMatchObject({ ok: true, value: { state: 'running' } });
    to = await site.start(destination);
    expect(to.logged('operation resumed')).toBe(true);
    await app.ask(destination, 'POST', 'slow-pull/cancel?waitMs=5000', {});
    expect(await app.untilEnded(destination, 'slow-pull', 'pull', input)).toMatchObject({ state: 'canceled' });
    app.epoch = 2;
    await app.done(destination, 'remove-placeholder', place);
    await app.done(destination, 'release', { vmId: site.vmId });
    await app.done(source, 'remove-vm-checkpoint', { vmId: site.vmId });
    await app.done(source, 'release', { vmId: site.vmId });
    for (const host of [source, destination]) expect(await app.leftovers(host)).toEqual([]);
    expect(await readdir(site.folderOn(destination))).toEqual([]);
    expect(await from.end()).toBe(0);
  });

  test('a command line or a configuration that cannot be used ends it with 2 and says what is wrong', async () => {
    const none = AgentProcess.run([]);
    expect(await none.exited).toBe(2);
    expect(none.logged('usage: ')).toBe(true);
    const wrong = await site.launch({ ...site.configOf(source), appPublicKeys: ['abc'] });
    expect(await wrong.exited).toBe(2);
    expect(wrong.logged('appPublicKeys.0 is abc: use an Ed25519 public key')).toBe(true);
    const noHost = { ...site.configOf(source), driver: { type: 'simulated', folder: 'nothing-here' } };
    const lost = await site.launch(noHost);
    expect(await lost.exited).toBe(2);
    expect(lost.logged('holds no simulated host')).toBe(true);
  });
});
