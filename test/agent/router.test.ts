import { z } from 'zod';
import { createRouter } from '../../agent/http/router';
import { createCarryOut } from '../../agent/operations/handlers';
import { agentVersion } from '../../agent/version';
import { hostFacts, leftover, vmFacts } from '../../contracts/facts';
import { failed, failure, failureOf, succeeded } from '../../contracts/failure';
import { hostId } from '../../contracts/ids';
import { inspection } from '../../contracts/inspection';
import { clockSkewMsMax, controlMessageBytesMax } from '../../contracts/limits';
import { operationView } from '../../contracts/operations';
import type { RequestHandler } from '../../relay/exchange';
import { createNonceMemory } from '../../relay/nonces';
import { signRequest, verifyRequest } from '../../relay/signed-request';
import { generateSigningKey, signingKeyFrom } from '../../relay/signing';
import { fakeVm, FakeDriver } from './fake-driver';
import { inputOf, notStaged, settle, vmA, vmB, Workbench, type Opened } from './workbench';

const host = hostId.parse('host-1');
const key = signingKeyFrom(generateSigningKey().privateKeyBase64);
const strangersKey = signingKeyFrom(generateSigningKey().privateKeyBase64);
const failureBody = z.strictObject({ failure });
const vmPage = z.strictObject({ items: z.array(vmFacts), next: z.string().nullable() });

const facts = hostFacts.parse({
  hostId: host,
  driver: 'simulated',
  agentVersion,
  memoryBytes: 4,
  memoryFreeBytes: 2,
  volumes: [],
  switches: [],
  byteRoute: { address: '127.0.0.1', port: 1, certificateSha256: 'ab' },
  clientCertificateSha256: 'ab',
});

type Sent = {
  readonly method?: string;
  readonly body?: unknown;
  readonly signer?: typeof key;
  readonly atMs?: number;
  readonly nonce?: string;
  readonly headers?: Record<string, string>;
};

describe('router', () => {
  let bench: Workbench;
  let driver: FakeDriver;
  let opened: Opened;
  let handler: RequestHandler;
  let nonceCount = 0;
  const renewed: unknown[] = [];
  const asked: string[] = [];

  beforeEach(async () => {
    bench = await Workbench.make();
    driver = new FakeDriver();
    opened = await bench.open(
      createCarryOut(driver, async () => failed(failureOf('TicketExpired', { message: 'old' })), notStaged),
    );
    const nonces = createNonceMemory();
    handler = createRouter({
      hostId: host,
      driver,
      runner: opened.runner,
      renewAccess: (id, access) => {
        renewed.push([id, access.expiresAtMs]);
        return succeeded({});
      },
      lookAtStorage: async ({ containerUrl }) => {
        asked.push(containerUrl);
        return { endpoint: 'https://a.blob.example', meets: 'silent', told: 'no answer in 10 s', aheadMs: null };
      },
      host: async () => facts,
      authenticate: (request) =>
        verifyRequest([key.publicKey], request, { hostId: host, nowMs: bench.clock.now(), nonces }),
      clock: bench.clock,
      log: { info: () => {}, warn: () => {}, error: () => {} },
    });
  });
  afterEach(() => bench.remove());

  async function send(path: string, { method = 'GET', body, signer = key, atMs, nonce, headers }: Sent = {}) {
    const bytes =
      typeof body === 'string' ? Buffer.from(body) : Buffer.from(body === undefined ? '' : JSON.stringify(body));
    const signed = {
      method,
      path,
      hostId: host,
      body: bytes,
      atMs: atMs ?? bench.clock.now(),
      nonce: nonce ?? `nonce-${String((nonceCount += 1)).padStart(16, '0')}`,
    };
    const response = await handler({
      method,
      path,
      headers: headers ?? signRequest(signer, signed),
      body: bytes,
      signal: new AbortController().signal,
    });
    const text = Buffer.from(response.body ?? '').toString('utf8');
    const parsed: unknown = JSON.parse(text);
    return { status: response.status, body: parsed, bytes: Buffer.byteLength(text) };
  }

  const request = (kind: 'save-vm' | 'pull' | 'await-heartbeat', more: object = {}) => ({
    contract: 1,
    runId: 'move-r1',
    epoch: 1,
    kind,
    input: inputOf(kind),
    ...more,
  });

  async function failureOfAnswer(path: string, sent: Sent = {}) {
    const answer = await send(path, sent);
    const { code, message, subject } = failureBody.parse(answer.body).failure;
    return { status: answer.status, code, message, subject };
  }

  test('an inspection looks at storage where it is given access to it, and not without', async () => {
    const about = { contract: 1, runId: null, vmId: vmA, vmName: null, describesVm: true, folder: null, imports: null };
    const path = '/v1/inspections';
    const without = await send(path, { method: 'POST', body: about });
    expect(inspection.parse(without.body)).not.toHaveProperty('storage');
    expect(asked).toEqual([]);
    const storage = { containerUrl: 'https://a.blob.example/c', sas: 'sig=a', expiresAtMs: 1 };
    const given = await send(path, { method: 'POST', body: { ...about, storage } });
    expect(inspection.parse(given.body).storage).toMatchObject({ meets: 'silent', told: 'no answer in 10 s' });
    expect(asked).toEqual(['https://a.blob.example/c']);
    const bad = await failureOfAnswer(path, {
      method: 'POST',
      body: { ...about, storage: { ...storage, containerUrl: 'c' } },
    });
    expect(bad).toMatchObject({ code: 'RequestInvalid', subject: { field: 'storage.containerUrl' } });
  });

  test('health is answered without a signature, and nothing else is', async () => {
    const headers = {};
    expect(await send('/v1/health', { headers })).toMatchObject({
      status: 200,
      body: { status: 'ok', hostId: host, contract: 1 },
    });
    for (const [method, path] of [
      ['GET', '/v1/host'],
      ['GET', '/v1/vms'],
      ['GET', `/v1/vms/${vmA}`],
      ['GET', '/v1/leftovers?run=move-r1'],
      ['PUT', '/v1/operations/op-1'],
      ['GET', '/v1/operations/op-1'],
      ['POST', '/v1/operations/op-1/cancel'],
      ['PUT', '/v1/health'],
      ['GET', '/v1/nothing'],
    ] as const)
      expect(await failureOfAnswer(path, { method, headers })).toMatchObject({ status: 401, code: 'Unauthorized' });
    expect(driver.performed).toEqual([]);
  });

  test('a signature of somebody else, of another time, of another body, or used twice is refused', async () => {
    const put = { method: 'PUT', body: request('save-vm') };
    const path = '/v1/operations/op-1';
    expect(await failureOfAnswer(path, { ...put, signer: strangersKey })).toMatchObject({ status: 401 });
    for (const atMs of [bench.clock.now() - clockSkewMsMax - 1, bench.clock.now() + clockSkewMsMax + 1])
      expect((await failureOfAnswer(path, { ...put, atMs })).message).toContain('apart');
    const forAnother = signRequest(key, {
      method: 'PUT',
      path,
      hostId: host,
      body: Buffer.from('{}'),
      atMs: bench.clock.now(),
      nonce: 'nonce-of-another-body',
    });
    expect(await failureOfAnswer(path, { ...put, headers: forAnother })).toMatchObject({ status: 401 });
    const nonce = 'nonce-that-is-used-twice';
    expect((await send(path, { ...put, nonce })).status).toBe(200);
    expect(await failureOfAnswer(path, { ...put, nonce })).toMatchObject({ status: 401 });
    await settle();
    expect(driver.performed).toHaveLength(1);
  });

  test('facts of the host, its VMs and what carries a run’s mark are as the contract says', async () => {
    expect(hostFacts.parse((await send('/v1/host')).body)).toEqual(facts);
    expect(vmPage.parse((await send('/v1/vms')).body)).toEqual({ items: driver.vmsHere, next: null });
    expect(vmFacts.parse((await send(`/v1/vms/${vmA.toUpperCase()}`)).body)).toEqual(driver.vmsHere[0]);
    driver.instead = async () => Promise.withResolvers<undefined>().promise;
    await send('/v1/operations/op-1', { method: 'PUT', body: request('save-vm') });
    const { items } = z.object({ items: z.array(leftover) }).parse((await send('/v1/leftovers?run=move-r1')).body);
    expect(items.map(({ what, runId }) => `${what} ${runId}`)).toEqual([
      'reservation move-r1',
      'running-operation move-r1',
    ]);
    expect((await send('/v1/leftovers')).body).toMatchObject({
      items: [{ runId: 'old-r1' }, { detail: 'save-vm op-1' }],
    });
  });

  test('many VMs come in pages that fit a control message, each VM once', async () => {
    driver.vmsHere.length = 0;
    for (let index = 999; index >= 0; index -= 1) {
      const id = `6f9619ff-8b86-d011-b42d-${String(index).padStart(12, '0')}`;
      driver.vmsHere.push(fakeVm(id, `${'long name '.repeat(10)}${index}`));
    }
    const ids: string[] = [];
    let next: string | null = null;
    let pageCount = 0;
    do {
      const answer: Awaited<ReturnType<typeof send>> = await send(next === null ? '/v1/vms' : `/v1/vms?after=${next}`);
      expect(answer.bytes).toBeLessThanOrEqual(controlMessageBytesMax);
      const page = vmPage.parse(answer.body);
      ids.push(...page.items.map(({ vmId }) => vmId));
      next = page.next;
      pageCount += 1;
    } while (next !== null);
    expect(pageCount).toBeGreaterThan(5);
    expect(ids).toEqual(driver.vmsHere.map(({ vmId }) => vmId).sort());
  });

  test('a VM that is longer than a page by itself is not left out', async () => {
    driver.vmsHere.push({ ...fakeVm(vmB, 'x'.repeat(60_000)) });
    const first = vmPage.parse((await send('/v1/vms')).body);
    expect(first).toMatchObject({ items: [{ vmId: vmB }], next: vmB });
    expect(vmPage.parse((await send(`/v1/vms?after=${vmB}`)).body)).toMatchObject({
      items: [{ vmId: vmA }],
      next: null,
    });
  });

  test('an operation is started, waited for, looked at and answered again', async () => {
    const put = { method: 'PUT', body: request('save-vm') };
    const started = operationView.parse((await send('/v1/operations/op-1?waitMs=20000', put)).body);
    expect(started).toMatchObject({ operationId: 'op-1', state: 'succeeded', output: { memoryFileBytes: 4096 } });
    expect((await send('/v1/operations/op-1')).body).toEqual(started);
    expect((await send('/v1/operations/op-1', put)).body).toEqual(started);
    expect(
      await failureOfAnswer('/v1/operations/op-1', { method: 'PUT', body: request('save-vm', { epoch: 2 }) }),
    ).toMatchObject({ status: 409, code: 'IdConflict' });
    expect((await send('/v1/operations/op-1/cancel', { method: 'POST', body: {} })).body).toEqual(started);
  });

  test('a look that waits ends with the operation, or after its time', async () => {
    const gate = Promise.withResolvers<undefined>();
    driver.instead = () => gate.promise;
    await send('/v1/operations/op-1', { method: 'PUT', body: request('save-vm') });
    const late = send('/v1/operations/op-1?waitMs=3000');
    await settle();
    bench.clock.advance(3001);
    expect((await late).body).toMatchObject({ state: 'running' });
    const early = send('/v1/operations/op-1?waitMs=3000');
    gate.resolve(undefined);
    expect((await early).body).toMatchObject({ state: 'succeeded' });
  });

  test('a cancel is answered, and can wait for the stop', async () => {
    driver.instead = (_kind, { signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () =>
          resolve(failed(failureOf('CanceledByOperator', { message: 'stopped' }))),
        );
      });
    await send('/v1/operations/op-1', { method: 'PUT', body: request('save-vm') });
    const canceled = await send('/v1/operations/op-1/cancel?waitMs=5000', { method: 'POST', body: {} });
    expect(operationView.parse(canceled.body)).toMatchObject({ state: 'canceled' });
  });

  test('a pull goes to the byte route, unless the driver has no place for it', async () => {
    const pull = (folder: string) => ({ ...inputOf('pull'), folder });
    const good = { method: 'PUT', body: request('pull', { input: pull('/vms/web') }) };
    expect((await send('/v1/operations/op-1?waitMs=5000', good)).body).toMatchObject({
      failure: { code: 'TicketExpired' },
    });
    const outside = { method: 'PUT', body: request('pull', { input: pull('/etc') }) };
    expect((await send('/v1/operations/op-2?waitMs=5000', outside)).body).toMatchObject({
      state: 'failed',
      failure: { code: 'PathOutsideRoots' },
    });
  });

  test('newer access for an operation of the staged route is handed on, and a wrong one is not shown', async () => {
    const access = { containerUrl: 'https://storage.test/a', sas: 'sig=secret', expiresAtMs: 5 };
    const path = '/v1/operations/op-1/staging-access';
    expect((await send(path, { method: 'POST', body: access })).status).toBe(200);
    expect(renewed).toEqual([['op-1', 5]]);
    const wrong = await send(path, { method: 'POST', body: { ...access, expiresAtMs: 'secret' } });
    expect(wrong.body).toMatchObject({ failure: { code: 'RequestInvalid', subject: { field: 'expiresAtMs' } } });
    expect(JSON.stringify(wrong.body)).not.toContain('secret');
  });

  test.each<[string, string, Sent, number, string, string]>([
    [
      'a body that is not JSON',
      '/v1/operations/op-1',
      { method: 'PUT', body: '{"contract":1' },
      400,
      'BodyNotJson',
      'JSON',
    ],
    ['an empty body', '/v1/operations/op-1', { method: 'PUT', body: '' }, 400, 'BodyNotJson', 'JSON'],
    [
      'a body that is too large',
      '/v1/operations/op-1',
      { method: 'PUT', body: { text: 'x'.repeat(controlMessageBytesMax) } },
      413,
      'BodyTooLarge',
      String(controlMessageBytesMax),
    ],
    [
      'a kind that this agent does not know',
      '/v1/operations/op-1',
      { method: 'PUT', body: { contract: 1, runId: 'r', epoch: 1, kind: 'format-disk', input: {} } },
      400,
      'RequestInvalid',
      'kind',
    ],
    [
      'another contract',
      '/v1/operations/op-1',
      { method: 'PUT', body: { contract: 2, runId: 'r', epoch: 1, kind: 'save-vm', input: {} } },
      400,
      'RequestInvalid',
      'contract',
    ],
    [
      'an epoch that is none',
      '/v1/operations/op-1',
      { method: 'PUT', body: { contract: 1, runId: 'r', epoch: 0, kind: 'save-vm', input: {} } },
      400,
      'RequestInvalid',
      'epoch',
    ],
    [
      'an input that is not of its kind',
      '/v1/operations/op-1',
      {
        method: 'PUT',
        body: { contract: 1, runId: 'r', epoch: 1, kind: 'place-vm', input: { vmId: vmA, folder: 7, vmName: 'web' } },
      },
      400,
      'RequestInvalid',
      'input.folder',
    ],
    [
      'a VM that is no GUID',
      '/v1/operations/op-1',
      { method: 'PUT', body: { contract: 1, runId: 'r', epoch: 1, kind: 'save-vm', input: { vmId: '../..' } } },
      400,
      'RequestInvalid',
      'input.vmId',
    ],
    ['an operation id with forbidden characters', '/v1/operations/op%2F1', {}, 400, 'RequestInvalid', 'operationId'],
    ['an operation id that is too long', `/v1/operations/${'x'.repeat(101)}`, {}, 400, 'RequestInvalid', 'operationId'],
    ['an operation that nobody started', '/v1/operations/op-9', {}, 404, 'OperationLost', 'op-9'],
    ['a cancel of it', '/v1/operations/op-9/cancel', { method: 'POST', body: {} }, 404, 'OperationLost', 'op-9'],
    ['a wait that is too long', '/v1/operations/op-9?waitMs=20001', {}, 400, 'RequestInvalid', 'waitMs'],
    ['a wait that is no number', '/v1/operations/op-9?waitMs=soon', {}, 400, 'RequestInvalid', 'waitMs'],
    ['a VM that is not here', `/v1/vms/${vmB}`, {}, 404, 'VmNotFound', vmB],
    ['a VM id that is none', '/v1/vms/web', {}, 400, 'RequestInvalid', 'vmId'],
    ['a cursor that is none', '/v1/vms?after=%00', {}, 400, 'RequestInvalid', 'after'],
    ['a run that is none', '/v1/leftovers?run=a/b', {}, 400, 'RequestInvalid', 'run'],
    ['a path that is not served', '/v1/disks', {}, 404, 'NotFound', '/v1/disks'],
    ['a method that is not served', '/v1/vms', { method: 'DELETE' }, 404, 'NotFound', 'DELETE'],
    ['a path with something behind it', '/v1/operations/op-1/cancel/more', { method: 'POST' }, 404, 'NotFound', 'more'],
  ])('%s is refused by what is wrong with it', async (_what, path, sent, status, code, named) => {
    const answer = await failureOfAnswer(path, sent);
    expect(answer).toMatchObject({ status, code });
    expect(JSON.stringify(answer)).toContain(named);
    expect(driver.performed).toEqual([]);
  });

  test('a stale epoch, a busy VM and a removal after the start are conflicts', async () => {
    const put = (id: string, more: object) => ({
      path: `/v1/operations/${id}?waitMs=5000`,
      sent: { method: 'PUT', body: request('save-vm', more) },
    });
    const newer = put('op-1', { epoch: 5 });
    expect((await send(newer.path, newer.sent)).status).toBe(200);
    const stale = put('op-2', { epoch: 4 });
    expect(await failureOfAnswer(stale.path, stale.sent)).toMatchObject({ status: 409, code: 'EpochStale' });
    const starts = put('op-3', { epoch: 5, kind: 'start-vm', input: inputOf('start-vm') });
    expect((await send(starts.path, starts.sent)).body).toMatchObject({ state: 'succeeded' });
    const removes = put('op-4', { epoch: 5, kind: 'remove-placeholder', input: inputOf('remove-placeholder') });
    expect(await failureOfAnswer(removes.path, removes.sent)).toMatchObject({ status: 409, code: 'RefusedAfterStart' });
    driver.instead = async () => Promise.withResolvers<undefined>().promise;
    const holds = put('op-5', { epoch: 5, kind: 'await-heartbeat', input: inputOf('await-heartbeat') });
    void send(holds.path, holds.sent);
    await settle();
    const other = put('op-6', { runId: 'other-r1' });
    expect(await failureOfAnswer(other.path, other.sent)).toMatchObject({ status: 409, code: 'VmBusy' });
  });

  test('a driver that throws is an AgentError, and the next request is answered', async () => {
    jest.spyOn(driver, 'vms').mockRejectedValueOnce(new Error('the worker died'));
    expect(await failureOfAnswer('/v1/vms')).toMatchObject({ status: 500, code: 'AgentError' });
    expect((await send('/v1/vms')).status).toBe(200);
  });

  test('a body that is not UTF-8 is not JSON', async () => {
    const path = '/v1/operations/op-1';
    const body = Buffer.from([0x22, 0xff, 0xfe, 0x22]);
    const nonce = 'nonce-of-a-strange-body';
    const headers = signRequest(key, { method: 'PUT', path, hostId: host, body, atMs: bench.clock.now(), nonce });
    const response = await handler({ method: 'PUT', path, headers, body, signal: new AbortController().signal });
    expect(response.status).toBe(400);
    expect(String(response.body)).toContain('BodyNotJson');
  });
});
