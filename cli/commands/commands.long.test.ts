import { receiptKeyOf } from '../../relay/receipt-signature';
import { generateSigningKey, publicKeyFrom, signingKeyFrom } from '../../relay/signing';
import { exitCodes } from '../exit';
import { problemAnswer, routes, startFakeApi, type FakeApi, type FakeHandler } from '../testing/fake-api';
import { runInProcess } from '../testing/in-process';
import { runCli, type CliRun } from '../testing/run-cli';
import {
  mib,
  sampleAbsentHost,
  sampleBatch,
  sampleHost,
  sampleParked,
  sampleReceipt,
  sampleRolledBack,
  sampleSigningKey,
  sampleStatus,
  sampleVm,
  vmIdA,
  vmIdB,
} from '../testing/samples';

// Where a test says `cli`, the built program runs as a child process; where it says `program`, in this one. Both talk to an
// HTTP server that answers what the contracts say.

const page = (...items: unknown[]): unknown => ({ items, next: null });
const hosts = page(sampleHost('host-a', { '/vm': 50 * mib }), sampleHost('host-b', { '/vm': mib, '/big': 9 * mib }));
const request = { ...sampleReceipt().request };

const everything: Record<string, unknown> = {
  'GET /hosts': hosts,
  'GET /hosts/host-a/vms': page(sampleVm()),
  'GET /hosts/host-b/vms': page(),
  'GET /migrations': page(sampleStatus(), sampleParked()),
  'GET /migrations?state=parked&top=5': { items: [sampleParked()], next: 'more' },
  'GET /migrations/m1': sampleStatus(),
  'GET /migrations/parked': sampleParked(),
  'GET /migrations/undone': sampleRolledBack(),
  'GET /migrations/m1/receipt': sampleReceipt(),
  'GET /receipt-key': receiptKeyOf(sampleSigningKey),
  'POST /migrations': (({ body }) => ({
    status: 202,
    body: { id: (body as { id: string }).id },
  })) satisfies FakeHandler,
  'POST /migrations/m1/cancel': (() => ({ status: 202, body: '' })) satisfies FakeHandler,
  'POST /migrations/parked/answer': (() => ({ status: 202, body: '' })) satisfies FakeHandler,
  'POST /batches': (({ body }) => ({ status: 202, body: { id: (body as { id: string }).id } })) satisfies FakeHandler,
  'GET /batches': page(sampleBatch()),
  'GET /batches/weekend-1': sampleBatch(),
};

let api: FakeApi;
const opened: FakeApi[] = [];
const serve = async (table: Record<string, unknown>): Promise<FakeApi> => {
  const one = await startFakeApi(routes(table));
  opened.push(one);
  return one;
};
const cli = (args: string[], url = api.url, input?: string): Promise<CliRun> =>
  runCli([...args, '--api', url], input === undefined ? {} : { input });
const program = (args: string[], url = api.url): Promise<CliRun> => runInProcess([...args, '--api', url]);
const cliJson = async (args: string[]): Promise<unknown> => {
  const run = await cli([...args, '--json']);
  expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 0 });
  return JSON.parse(run.stdout);
};

beforeAll(async () => {
  api = await serve(everything);
});
afterAll(() => Promise.all(opened.map((one) => one.close())));

const batchText = JSON.stringify({ startAt: '2026-08-01T22:00:00+02:00', migrations: [{ ...request, id: undefined }] });

describe('what each command prints', () => {
  test('hosts shows memory, volumes and switches', async () => {
    const run = await cli(['hosts']);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout).toContain('host-b: reachable, simulated driver');
    expect(run.stdout).toContain('/big: 9.0 MiB free of 1.0 TiB');
    expect(await cliJson(['hosts'])).toEqual(hosts);
  });

  test('hosts names one that is not reachable, with the reason and the remedy', async () => {
    const { url } = await serve({ 'GET /hosts': page(sampleAbsentHost('host-c')) });
    const run = await program(['hosts'], url);
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(
      /host-c: not reachable\n {2}reason: no listener for host-c \(RelayUnreachable\)\n {2}remedy: /,
    );
  });

  test('vms lists all hosts, or one', async () => {
    const [all, one, json] = await Promise.all([cli(['vms']), cli(['vms', 'host-b']), cliJson(['vms', 'host-a'])]);
    expect(all.stdout).toMatch(/host-a +web01 +running +ok +2 +64\.0 MiB +1: 600 MiB of 2\.0 GiB +6f96/);
    expect(one).toMatchObject({ code: 0, stdout: '', stderr: 'no VMs\n' });
    expect(json).toMatchObject({ items: [{ hostId: 'host-a', vmId: vmIdA }], unreachable: [] });
  });

  test('status lists, filters, and shows one in detail', async () => {
    const [all, filtered, one, json] = await Promise.all([
      cli(['status']),
      cli(['status', '--state', 'parked', '--top', '5']),
      cli(['status', 'm1']),
      cliJson(['status', 'm1']),
    ]);
    expect(all.stdout.split('\n')).toHaveLength(4);
    expect(filtered.stdout).toContain('parked');
    expect(filtered.stderr).toContain('there are more');
    expect(one.stdout).toMatch(/steps: +\[done\] Prepare +\[ now\] Transfer +\[ {4}\] Cutover/);
    expect(one.stdout).toMatch(/rate: +100 MiB\/s, about 4 s left/);
    expect(json).toEqual(sampleStatus());
  });

  test('receipt shows phases, outage, bytes, digests and what is left', async () => {
    const run = await cli(['receipt', 'm1']);
    for (const text of [
      '2.4 s',
      '612 MiB, of which 12.0 MiB a second time',
      '2 attempts',
      'equal at both hosts',
      'retired-vm',
    ])
      expect(run.stdout).toContain(text);
    expect(await cliJson(['receipt', 'm1'])).toEqual(sampleReceipt());
  });

  test('receipt verify tells a genuine receipt from one that was changed, signed by another, or is none', async () => {
    const printed = JSON.stringify(sampleReceipt(), null, 4);
    const key = receiptKeyOf(sampleSigningKey).publicKeyBase64;
    const other = generateSigningKey().publicKeyBase64;
    const verify = (text: string, ...more: string[]) => cli(['receipt', 'verify', '-', ...more], api.url, text);
    const [asked, offline, changed, foreign, none, noKey] = await Promise.all([
      verify(printed),
      verify(printed, '--public-key', key, '--json'),
      verify(printed.replace('"ms": 2400', '"ms": 24'), '--public-key', key),
      verify(printed, '--public-key', other),
      verify('{"schema": 1}'),
      verify(printed, '--public-key', 'x'),
    ]);
    expect(asked).toMatchObject({ code: 0, stdout: expect.stringContaining('-: genuine') });
    expect(JSON.parse(offline.stdout)).toMatchObject({ genuine: true, id: 'm1', keyFrom: '--public-key' });
    expect(changed).toMatchObject({ code: 5, stderr: expect.stringContaining('not genuine') });
    expect(foreign).toMatchObject({ code: 5, stderr: expect.stringContaining('another key') });
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('not a receipt') });
    expect(noKey).toMatchObject({ code: 2, stderr: expect.stringContaining('public key cannot be read') });
  });

  test('cancel and answer post what is meant', async () => {
    const [cancel, answer] = await Promise.all([
      cli(['cancel', 'm1', '--reason', 'wrong host']),
      cli(['answer', 'parked', 'accept']),
    ]);
    expect(cancel).toMatchObject({ code: 0 });
    expect(answer).toMatchObject({ code: 0, stdout: 'parked: answered accept\n' });
    const bodies = Object.fromEntries(api.requests.map(({ path, body }) => [path, body]));
    expect(bodies['/migrations/m1/cancel']).toEqual({ reason: 'wrong host' });
    expect(bodies['/migrations/parked/answer']).toEqual({ questionId: 'q7', answer: 'accept' });
    expect(await cliJson(['cancel', 'm1'])).toEqual({ id: 'm1', cancelRequested: true });
    expect(await cliJson(['answer', 'parked', 'retry'])).toEqual({ id: 'parked', questionId: 'q7', answer: 'retry' });
  });

  test('batch submits from standard input with an id of its own, lists and shows', async () => {
    const [submit, list, show, listJson] = await Promise.all([
      cli(['batch', 'submit', '-'], api.url, batchText),
      cli(['batch', 'list']),
      cli(['batch', 'show', 'weekend-1']),
      cliJson(['batch', 'list']),
    ]);
    expect(submit.stdout).toMatch(/^batch-\d{8}-[0-9a-f]{8}\n$/);
    expect(list.stdout).toMatch(/weekend-1 +running .* 1 queued, 1 running, 1 rolled-back/);
    expect(show.stdout).toMatch(/weekend-1-3 +rolled-back +\/vm is full \(DiskFull\)/);
    expect(listJson).toEqual(page(sampleBatch()));
    expect(await cliJson(['batch', 'show', 'weekend-1'])).toEqual(sampleBatch());
  });
});

describe('migrate', () => {
  const bodyOfLast = (one: FakeApi): unknown => one.requests.findLast(({ method }) => method === 'POST')?.body;

  test('takes a VM by name, finds its host, and chooses the roomiest volume of the destination', async () => {
    const one = await serve(everything);
    const run = await cli(
      ['migrate', 'WEB01', '--to', 'host-b', '--bandwidth', '100MiB/s', '--retire', 'delete'],
      one.url,
    );
    expect(run).toMatchObject({ code: 0, stdout: expect.stringMatching(/^web01-\d{8}-[0-9a-f]{8}\n$/) as string });
    expect(bodyOfLast(one)).toMatchObject({
      vmId: vmIdA,
      sourceHost: 'host-a',
      destinationHost: 'host-b',
      destinationFolder: '/big',
      policy: { bandwidthBytesPerSecondMax: 100 * mib, retire: 'delete', heartbeatWaitMsMax: 300_000 },
    });
  });

  test('takes limits by the time of day, with the time zone of this machine unless one is named', async () => {
    const one = await serve(everything);
    const hoursOf = async (...args: string[]): Promise<unknown> => {
      const run = await program(['migrate', 'web01', '--to', 'host-b', ...args], one.url);
      expect(run.code).toBe(0);
      return (bodyOfLast(one) as { policy: { bandwidthHours: unknown } }).policy.bandwidthHours;
    };
    const day = ['--bandwidth-hours', 'mon-fri@08:00-18:00=20MiB/s'];
    const weekend = ['--bandwidth-hours', 'sat,sun@00:00-00:00=unlimited'];
    expect(await hoursOf(...day, ...weekend, '--time-zone', 'Europe/Berlin')).toEqual({
      timeZone: 'Europe/Berlin',
      windows: [
        { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '08:00', to: '18:00', bytesPerSecondMax: 20 * mib },
        { days: ['sat', 'sun'], from: '00:00', to: '00:00', bytesPerSecondMax: null },
      ],
    });
    expect(await hoursOf(...day)).toMatchObject({ timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone });
    expect(await hoursOf()).toBeNull();
  });

  test('takes a GUID, a folder, a switch and an id as given', async () => {
    const args = ['--from', 'host-a', '--to', 'host-a', '--folder', '/other', '--switch', 'DMZ', '--id', 'm1'];
    const one = await serve(everything);
    const run = await cli(['migrate', vmIdA.toUpperCase(), ...args, '--heartbeat-wait', '2m', '--json'], one.url);
    expect(JSON.parse(run.stdout)).toMatchObject({
      id: 'm1',
      request: { destinationFolder: '/other', kind: 'quick-storage' },
    });
    expect(bodyOfLast(one)).toMatchObject({
      id: 'm1',
      destinationSwitch: 'DMZ',
      policy: { heartbeatWaitMsMax: 120_000 },
    });
  });

  test('takes the type of a switch that an import makes, and no external one', async () => {
    const one = await serve(everything);
    const args = ['migrate', vmIdA, '--kind', 'import', '--from', 'host-a', '--source-folder', '/exports/web'];
    const made = await program([...args, '--switch', 'lab', '--make-switch', 'internal'], one.url);
    expect(made.code).toBe(0);
    expect(bodyOfLast(one)).toMatchObject({ destinationSwitch: 'lab', makeSwitch: 'internal' });
    const external = await program([...args, '--switch', 'lab', '--make-switch', 'external'], one.url);
    expect(external.stderr).toContain('Allowed choices are private, internal');
    const unnamed = await program([...args, '--make-switch', 'private'], one.url);
    expect(unnamed.stderr).toContain('it is private and names no switch to make');
    for (const { code } of [external, unnamed]) expect(code).toBe(exitCodes.badInput.code);
  });

  test('an ambiguous name is refused with the list, and nothing is started', async () => {
    const one = await serve({
      ...everything,
      'GET /hosts/host-b/vms': page(sampleVm({ vmId: vmIdB, state: 'off' })),
    });
    const run = await program(['migrate', 'web01', '--to', 'host-b'], one.url);
    expect(run.code).toBe(exitCodes.badInput.code);
    expect(run.stderr).toContain(`host-a: web01 ${vmIdA} (running); host-b: web01 ${vmIdB} (off)`);
    expect(run.stderr).toContain('--from');
    expect(bodyOfLast(one)).toBeUndefined();
  });

  test('a fenced source of an earlier run and a placeholder do not make a name ambiguous', async () => {
    const one = await serve({
      ...everything,
      'GET /hosts/host-a/vms': page(sampleVm({ fencedBy: 'old-r1' }), sampleVm({ vmId: vmIdB, state: 'planned' })),
      'GET /hosts/host-b/vms': page(sampleVm()),
    });
    const run = await program(['migrate', 'web01', '--to', 'host-a', '--json'], one.url);
    expect(JSON.parse(run.stdout)).toMatchObject({ request: { sourceHost: 'host-b' } });
  });

  test('a VM that is nowhere is bad input that says which hosts were not looked at', async () => {
    const one = await serve({
      ...everything,
      'GET /hosts': page(sampleHost('host-b', { '/vm': mib }), sampleAbsentHost('host-c')),
    });
    const run = await program(['migrate', 'nope', '--to', 'host-b'], one.url);
    expect(run.code).toBe(exitCodes.badInput.code);
    expect(run.stderr).toMatch(/no VM "nope" on any host\. Not looked at, since not reachable: host-c\./);
    expect(run.stderr).toContain('next:   hyperferry vms');
  });

  test('a lost answer is asked for again with the same id', async () => {
    let posts = 0;
    const start: FakeHandler = ({ body }) => {
      posts += 1;
      return posts === 1 ? 'drop' : { status: 202, body: { id: (body as { id: string }).id } };
    };
    const one = await serve({ ...everything, 'POST /migrations': start });
    const run = await cli(['migrate', 'web01', '--to', 'host-b', '--folder', '/vm'], one.url);
    expect(run).toMatchObject({ code: 0, stderr: expect.stringContaining('the answer was lost') as string });
    const ids = one.requests.filter(({ method }) => method === 'POST').map(({ body }) => (body as { id: string }).id);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });
});

describe('errors', () => {
  test('a problem document is told with title, field, value, remedy and the next command', async () => {
    const refuse: FakeHandler = () =>
      problemAnswer(409, 'DestinationOccupied', 'there is a folder', {
        field: 'destinationFolder',
        value: '/vm',
        remedy: 'Choose another.',
      });
    const one = await serve({ ...everything, 'POST /migrations': refuse });
    const args = ['migrate', 'web01', '--to', 'host-b', '--folder', '/vm'];
    const [text, json] = await Promise.all([cli(args, one.url), cli([...args, '--json'], one.url)]);
    expect(text).toMatchObject({ code: exitCodes.refused.code, stdout: '' });
    expect(text.stderr).toBe(
      'error: It is DestinationOccupied (DestinationOccupied, 409)\n  there is a folder\n  field:  destinationFolder\n' +
        '  value:  /vm\n  remedy: Choose another.\n  next:   hyperferry hosts\n',
    );
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { field: 'destinationFolder', problem: { status: 409 } } });
  });

  const answersTo = (status: number, code: string): Record<string, unknown> => ({
    'GET /migrations/m1': (() => problemAnswer(status, code, 'why')) satisfies FakeHandler,
  });

  const statuses = [
    [400, 'RequestInvalid', exitCodes.badInput.code],
    [401, 'Unauthorized', exitCodes.refused.code],
    [404, 'NotFound', exitCodes.refused.code],
    [409, 'IdConflict', exitCodes.refused.code],
    [413, 'BodyTooLarge', exitCodes.badInput.code],
    [503, 'StorageUnavailable', exitCodes.serverError.code],
  ] as const;
  test('the status of a refusal decides the exit code', async () => {
    const runs = statuses.map(async ([status, code]) => {
      const one = await serve(answersTo(status, code));
      return [status, code, (await program(['status', 'm1'], one.url)).code];
    });
    expect(await Promise.all(runs)).toEqual(statuses);
  });

  test('an answer that is not of the contract is an error of the server', async () => {
    const one = await serve({ 'GET /hosts': { items: [{ hostId: 'a/b' }], next: null }, 'GET /batches': '<html>' });
    const [hostsRun, batches] = await Promise.all([program(['hosts'], one.url), program(['batch', 'list'], one.url)]);
    expect(hostsRun.code).toBe(exitCodes.serverError.code);
    expect(hostsRun.stderr).toContain('not of this contract: items.0.hostId');
    expect(batches.code).toBe(exitCodes.serverError.code);
  });

  test('a 503 without a body is an app that starts: exit 3, and no word of an answer that cannot be read', async () => {
    const one = await serve({ 'GET /hosts': (() => ({ status: 503, body: '' })) satisfies FakeHandler });
    const run = await program(['hosts'], one.url);
    expect([run.code, run.stdout]).toEqual([exitCodes.unreachable.code, '']);
    expect(run.stderr).toContain('error: the app is starting');
    expect(run.stderr).not.toContain('cannot be read');
  });

  test('nothing that listens is exit 3, and so is no address at all', async () => {
    const [refused, none] = await Promise.all([cli(['hosts'], 'http://127.0.0.1:1'), runCli(['hosts'])]);
    expect(refused.code).toBe(exitCodes.unreachable.code);
    expect(refused.stderr).toContain('next:   hyperferry up');
    expect(none.code).toBe(exitCodes.unreachable.code);
    expect(none.stderr).toContain('HYPERFERRY_API');
  });

  test('a question that does not stand, and an answer that does not fit, are refused without a post', async () => {
    const [none, wrong] = await Promise.all([
      program(['answer', 'm1', 'retry']),
      program(['answer', 'parked', 'skip']),
    ]);
    expect(none).toMatchObject({ code: exitCodes.refused.code });
    expect(wrong).toMatchObject({ code: exitCodes.badInput.code });
    expect(wrong.stderr).toContain('Answer retry or accept.');
  });

  const wrongFields: [string[], string][] = [
    [['status', 'a b'], 'ID'],
    [['vms', 'host/../b'], 'HOST'],
    [['migrate', 'web01', '--to', 'a/b'], 'options.to'],
    [['migrate', 'web01', '--to', 'host-b', '--bandwidth', '5'], 'request.policy.bandwidthBytesPerSecondMax'],
    [
      ['migrate', 'web01', '--to', 'host-b', '--bandwidth-hours', '08:00-18:00=1m', '--time-zone', 'Berlin'],
      'request.policy.bandwidthHours.timeZone',
    ],
    [['migrate', 'web01', '--to', 'host-b', '--time-zone', 'UTC'], '--time-zone'],
    [['migrate', 'web01', '--to', 'host-b', '--id', 'ü'], 'request.id'],
    [['status', '--top', '0'], 'options.top'],
    [['cancel', 'm1', '--reason', 'x'.repeat(501)], '--reason'],
  ];
  test('bad input names its field', async () => {
    const runs = await Promise.all(wrongFields.map(async ([args, field]) => ({ field, run: await program(args) })));
    for (const { field, run } of runs) {
      expect(run).toMatchObject({ code: exitCodes.badInput.code, stdout: '' });
      expect(run.stderr).toContain(`field:  ${field}`);
    }
  });

  const wrongUsage: [string[], string][] = [
    [['no-such-command'], 'unknown command'],
    [['hosts', '--no-such-option'], 'unknown option'],
    [['migrate', 'web01'], 'quick-storage needs --to <host>'],
    [['migrate', 'web01', '--to', 'b', '--kind', 'teleport'], 'Allowed choices are live, quick,'],
    [['migrate', 'web01', '--to', 'b', '--bandwidth', 'fast'], '100MiB/s'],
    [['migrate', 'web01', '--to', 'b', '--bandwidth-hours', '8-18=1m'], 'mon-fri@08:00-18:00=20MiB/s'],
    [['answer', 'm1', 'maybe'], 'Allowed choices are retry, skip, accept'],
    [['watch'], 'missing required argument'],
    [['start', '--bandwidth', 'fast'], '100MiB/s'],
    [['start', '--data', '3GiB'], 'from 1MiB to 1536MiB'],
    [['demo-faults', '--kills', '0'], 'at least 1'],
  ];
  test('wrong usage is exit 2 and says what is expected', async () => {
    const runs = await Promise.all(wrongUsage.map(async ([args, text]) => ({ text, run: await program(args) })));
    for (const { text, run } of runs) {
      expect(run).toMatchObject({ code: exitCodes.badInput.code, stdout: '' });
      expect(run.stderr).toContain(text);
    }
  });

  test.each([
    [['../web'], '1 to 50 letters'],
    [['web', '--on', 'usb'], 'Allowed choices are local, cluster, lun'],
    [['web', '--host', 'host-z'], 'Use host-a or host-b'],
  ])('a demonstration VM asked for as %j is not made', async (args, text) => {
    const run = await runInProcess(['demo-vm', ...args]);
    expect(run).toMatchObject({ code: exitCodes.badInput.code, stdout: '' });
    expect(run.stderr).toContain(text);
  });

  test('a batch file that is missing, not JSON, not a batch, or too long is refused before it is sent', async () => {
    const one = await serve(everything);
    const [missing, notJson, notBatch, long] = await Promise.all([
      cli(['batch', 'submit', '/nonexistent/plan.json'], one.url),
      cli(['batch', 'submit', '-'], one.url, '{'),
      cli(['batch', 'submit', '-'], one.url, '{"startAt":"tomorrow","migrations":[]}'),
      cli(['batch', 'submit', '-'], one.url, ' '.repeat(1024 * 1024 + 1)),
    ]);
    for (const run of [missing, notJson, notBatch, long]) expect(run.code).toBe(exitCodes.badInput.code);
    expect(notBatch.stderr).toMatch(/startAt: .*migrations: /);
    expect(long.stderr).toContain('Split it');
    expect(one.requests).toHaveLength(0);
  });
});

describe('address and key', () => {
  test('the key goes into its header, from the option or the environment', async () => {
    const one = await serve(everything);
    await cli(['hosts', '--key', 'k1'], one.url);
    await runCli(['hosts'], { env: { HYPERFERRY_API: one.url, HYPERFERRY_KEY: 'k2' } });
    expect(one.requests.map(({ key }) => key)).toEqual(['k1', 'k2']);
  });

  test('an address without a path gets /api', async () => {
    expect(await program(['hosts'], api.url.replace('/api', ''))).toMatchObject({ code: 0 });
  });

  test('a key is not sent in the clear to another machine', async () => {
    const run = await program(['hosts', '--key', 'k1'], 'http://192.0.2.1');
    expect(run.code).toBe(exitCodes.badInput.code);
    expect(run.stderr).toContain('unencrypted');
  });

  test('an address that is no URL is bad input', async () => {
    expect(await program(['hosts'], 'ftp://x')).toMatchObject({ code: exitCodes.badInput.code });
  });
});

describe('help', () => {
  const commands = [
    ['up'],
    ['start'],
    ['demo-faults'],
    ['demo-vm'],
    ['keys'],
    ['hosts'],
    ['vms'],
    ['migrate'],
    ['status'],
    ['watch'],
    ['cancel'],
    ['answer'],
    ['receipt'],
    ['batch', 'submit'],
    ['batch', 'list'],
    ['batch', 'show'],
  ];
  test('every command has examples', async () => {
    const runs = commands.map(async (command) => ({ command, run: await runInProcess([...command, '--help']) }));
    for (const { command, run } of await Promise.all(runs)) {
      expect(run).toMatchObject({ code: 0, stderr: '' });
      expect(run.stdout).toContain(`Usage: hyperferry ${command.join(' ')}`);
      expect(run.stdout).toMatch(/Examples:\n {2}\$ hyperferry /);
    }
  });

  test('the program says its commands, environment and every exit code', async () => {
    const run = await runCli(['--help']);
    for (const { code, means } of Object.values(exitCodes)) expect(run.stdout).toContain(`${code}  ${means}`);
    for (const [command] of commands) expect(run.stdout).toContain(`  ${command}`);
  });
});

describe('keys', () => {
  test('are a pair, of which the agents get the public half', async () => {
    const run = await runCli(['keys', '--json']);
    const { privateKeyBase64, publicKeyBase64 } = JSON.parse(run.stdout) as Record<string, string>;
    const pair = signingKeyFrom(privateKeyBase64!);
    expect(pair.publicKey.equals(publicKeyFrom(publicKeyBase64!))).toBe(true);
    expect(run.stderr).toContain('secret');
  });
});

describe('what hosts and VMs call themselves', () => {
  test('cannot move the cursor or reverse the text', async () => {
    const evil = 'a\u001b[2Jb\u009b31mc\u202ed\ne';
    const one = await serve({ ...everything, 'GET /hosts/host-a/vms': page(sampleVm({ name: evil })) });
    const [text, json] = await Promise.all([cli(['vms'], one.url), cli(['vms', '--json'], one.url)]);
    expect(text.stdout).toContain('a?[2Jb?31mc?d?e');
    expect(json.stdout).not.toMatch(/(?!\n)[\p{Cc}\u202e]/u);
    expect(JSON.parse(json.stdout)).toMatchObject({ items: [{ name: evil }] });
  });
});
