import { startDueBatches } from '../../functions/triggers/batch-timer';
import { preflightAnswer } from '../../contracts/preflight';
import { startAzurite, type Azurite } from '../azurite';
import { Api, knownVm } from './api';

let azurite: Azurite;
let containers = 0;
let api: Api;

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());
beforeEach(() => {
  containers += 1;
  api = new Api(azurite.connectionString, `test-${containers}`);
});

const request = {
  kind: 'quick-storage',
  vmId: knownVm,
  sourceHost: 'hv-a',
  destinationHost: 'hv-b',
  destinationFolder: '/vms',
};

describe('POST /api/migrations', () => {
  test('answers 202 with the place of the status and starts one run', async () => {
    const answer = await api.call('POST', 'migrations', { ...request, id: 'm1' });
    expect(answer.status).toBe(202);
    expect(answer.headers['location']).toBe('/api/migrations/m1');
    expect(answer.body).toMatchObject({ id: 'm1', runId: 'm1-r1', state: 'queued' });
    expect([...api.client.instances.keys()]).toEqual(['m1-r1']);
  });

  test('the same id twice, even side by side, starts one run and answers the same', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => api.call('POST', 'migrations', { ...request, id: 'm1' })));
    expect(answers.map((answer) => answer.status)).toEqual([202, 202, 202]);
    expect(api.client.instances.size).toBe(1);
  });

  test('the same Idempotency-Key twice starts one run under one id', async () => {
    const headers = { 'idempotency-key': 'night-1/vm 7' };
    const first = await api.call('POST', 'migrations', request, headers);
    const second = await api.call('POST', 'migrations', request, headers);
    expect(second.body['id']).toBe(first.body['id']);
    expect(api.client.instances.size).toBe(1);
  });

  test('without id and key every request is a migration of its own', async () => {
    await api.call('POST', 'migrations', request);
    await api.call('POST', 'migrations', request);
    expect(api.client.instances.size).toBe(2);
  });

  test('the same id with another request is a conflict', async () => {
    await api.call('POST', 'migrations', { ...request, id: 'm1' });
    const answer = await api.call('POST', 'migrations', { ...request, id: 'm1', destinationFolder: '/other' });
    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({ code: 'IdConflict', field: 'id', value: 'm1' });
  });

  test('a host that is away is no reason to refuse: the run asks again', async () => {
    const answer = await api.call('POST', 'migrations', { ...request, sourceHost: 'hv-away' });
    expect(answer.status).toBe(202);
  });

  const wrong: [string, unknown, number, Record<string, unknown>][] = [
    ['a body that is not JSON', '{"kind":', 400, { code: 'BodyNotJson' }],
    ['an unknown kind', { ...request, kind: 'teleport' }, 400, { field: 'kind', value: '"teleport"' }],
    ['an unknown field', { ...request, force: true }, 400, { code: 'RequestInvalid' }],
    ['an id with forbidden characters', { ...request, id: 'a/b' }, 400, { field: 'id', value: '"a/b"' }],
    ['a VM that is no GUID', { ...request, vmId: 'app-1' }, 400, { field: 'vmId' }],
    [
      'an unknown host',
      { ...request, destinationHost: 'hv-z' },
      422,
      { code: 'HostUnknown', field: 'destinationHost' },
    ],
    [
      'an unknown VM',
      { ...request, vmId: '99999999-2222-3333-4444-555555555555' },
      422,
      { code: 'VmNotFound', field: 'vmId' },
    ],
    [
      'a body that is too large',
      JSON.stringify({ ...request, id: 'x'.repeat(2_000_000) }),
      413,
      { code: 'BodyTooLarge' },
    ],
  ];
  test.each(wrong)(
    '%s is answered with a problem that names it, and starts nothing',
    async (_name, body, status, expected) => {
      const answer = await api.call('POST', 'migrations', body);
      expect(answer.status).toBe(status);
      expect(answer.headers['content-type']).toBe('application/problem+json');
      expect(answer.body).toMatchObject(expected);
      expect(answer.body['remedy']).toEqual(expect.any(String));
      expect(api.client.instances.size).toBe(0);
    },
  );
});

describe('a run', () => {
  const report = {
    schema: 1,
    state: 'running',
    phase: 'copy-base',
    step: 'Transfer',
    unwinding: false,
    progress: null,
    waitingFor: null,
    question: null,
    failure: null,
    cancelRequested: false,
    cancelable: true,
  };
  const show = (change: object): void => {
    const instance = api.client.instances.get('m1-r1');
    if (instance !== undefined) instance.customStatus = { ...report, ...change };
  };
  beforeEach(async () => {
    await api.call('POST', 'migrations', { ...request, id: 'm1' });
    show({});
  });

  test('is cancelled by an event, until it is too late', async () => {
    expect((await api.call('POST', 'migrations/m1/cancel', { reason: 'wrong night' })).status).toBe(202);
    expect(api.client.events).toEqual([
      { instanceId: 'm1-r1', name: 'command', data: { command: 'cancel', reason: 'wrong night' } },
    ]);
    show({ phase: 'heartbeat', cancelable: false });
    const late = await api.call('POST', 'migrations/m1/cancel');
    expect(late.status).toBe(409);
    expect(late.body['code']).toBe('TooLate');
  });

  test('takes an answer to the question that it asks, and no other', async () => {
    const failure = { code: 'HeartbeatMissing', retry: 'permanent', effect: 'applied', subject: {}, message: 'none' };
    show({ state: 'parked', question: { questionId: 'q9', text: '?', answers: ['retry', 'accept'], failure } });
    expect((await api.call('POST', 'migrations/m1/answer', { questionId: 'q8', answer: 'retry' })).status).toBe(409);
    expect((await api.call('POST', 'migrations/m1/answer', { questionId: 'q9', answer: 'skip' })).status).toBe(400);
    expect((await api.call('POST', 'migrations/m1/answer', { questionId: 'q9', answer: 'retry' })).status).toBe(202);
    expect(api.client.events).toHaveLength(1);
  });

  test('that Durable itself failed is shown as one that waits for a person', async () => {
    const instance = api.client.instances.get('m1-r1');
    if (instance !== undefined) instance.runtimeStatus = 'Failed';
    const { body } = await api.call('GET', 'migrations/m1');
    expect(body).toMatchObject({ state: 'parked', failure: { code: 'Bug' } });
  });

  test('is listed with the newest first, by state', async () => {
    expect((await api.call('GET', 'migrations?state=running')).body['items']).toHaveLength(1);
    expect((await api.call('GET', 'migrations?state=parked')).body['items']).toHaveLength(0);
    expect((await api.call('GET', 'migrations?state=lost')).status).toBe(400);
  });

  test('has no receipt before it has ended, and says so', async () => {
    const answer = await api.call('GET', 'migrations/m1/receipt');
    expect(answer.status).toBe(404);
    expect(answer.body['detail']).toContain('it is running');
  });
});

test('what nobody knows is a 404 that names it', async () => {
  expect((await api.call('GET', 'migrations/nothing')).body).toMatchObject({
    status: 404,
    field: 'id',
    value: 'nothing',
  });
  expect((await api.call('GET', 'batches/nothing')).status).toBe(404);
  expect((await api.call('GET', 'hosts/hv-z/vms')).status).toBe(404);
});

test('hosts that do not answer are listed with the reason', async () => {
  const { body } = await api.call('GET', 'hosts');
  expect(body['items']).toContainEqual(
    expect.objectContaining({
      hostId: 'hv-away',
      reachable: false,
      failure: expect.objectContaining({ code: 'RelayUnreachable' }),
    }),
  );
});

describe('batches', () => {
  const batch = {
    id: 'night',
    startAt: '2027-01-01T01:00:00Z',
    maxConcurrent: 1,
    migrations: [{ ...request, id: 'n1' }],
  };
  const tick = () => startDueBatches(api.app, api.client.asClient, () => undefined);

  test('a batch starts at its time, once, whatever the timer does', async () => {
    expect((await api.call('POST', 'batches', batch)).body).toMatchObject({ id: 'night', state: 'scheduled' });
    await tick();
    expect(api.client.instances.size).toBe(0);
    api.now = new Date('2027-01-01T01:00:30Z');
    await tick();
    await tick();
    expect([...api.client.instances.keys()]).toEqual(['batch-night']);
    expect((await api.call('GET', 'batches/night')).body).toMatchObject({ state: 'running' });
  });

  test('its migrations are known before they begin, and cannot be started beside it', async () => {
    await api.call('POST', 'batches', batch);
    expect((await api.call('GET', 'migrations/n1')).body).toMatchObject({
      state: 'queued',
      waitingFor: 'its turn in batch night',
    });
    await api.call('POST', 'migrations', { ...request, id: 'n1' });
    expect(api.client.instances.size).toBe(0);
  });

  test('submitted twice it is one batch; with other content it is a conflict', async () => {
    await api.call('POST', 'batches', batch);
    expect((await api.call('POST', 'batches', batch)).status).toBe(202);
    expect((await api.call('POST', 'batches', { ...batch, maxConcurrent: 2 })).status).toBe(409);
    expect((await api.call('GET', 'batches')).body['items']).toHaveLength(1);
  });

  test('one migration that cannot be refuses the whole batch by name', async () => {
    const migrations = [
      { ...request, id: 'n1' },
      { ...request, id: 'n2', vmId: '99999999-2222-3333-4444-555555555555' },
    ];
    const answer = await api.call('POST', 'batches', { ...batch, migrations });
    expect(answer.body).toMatchObject({ code: 'VmNotFound', field: 'migrations.1.vmId' });
    expect((await api.call('GET', 'batches')).body['items']).toHaveLength(0);
  });

  test('the same VM twice in a batch is refused', async () => {
    const migrations = [
      { ...request, id: 'n1' },
      { ...request, id: 'n2' },
    ];
    expect((await api.call('POST', 'batches', { ...batch, migrations })).body).toMatchObject({ field: 'migrations.1' });
  });
});

test('the interface describes itself: every route, with what it takes and answers', async () => {
  const { body } = await api.call('GET', 'openapi.json');
  const paths = body['paths'] as Record<string, Record<string, unknown>>;
  expect(Object.keys(paths)).toContain('/migrations/{id}/answer');
  expect(paths['/migrations']?.['post']).toMatchObject({ operationId: 'start-migration' });
  expect(JSON.stringify(body)).toContain('bandwidthBytesPerSecondMax');
});

describe('POST /api/preflight', () => {
  const findings = async (more: object = {}) => {
    const answer = await api.call('POST', 'preflight', { ...request, ...more });
    expect(answer.status).toBe(200);
    return preflightAnswer.parse(answer.body);
  };

  test('answers every check and what was found, and starts nothing', async () => {
    const found = await findings();
    expect(found.refusal).toMatchObject({ code: 'NotEnoughMemory', retry: 'permanent' });
    expect(found.concerns[0]).toMatchObject({ checkId: 'memory', severity: 'critical', outcome: 'found' });
    expect(found.checks.length).toBeGreaterThan(40);
    expect(api.client.instances.size).toBe(0);
    expect((await api.call('GET', 'migrations')).body).toMatchObject({ items: [] });
  });

  test('a VM that is not there, and a host that is away, are findings', async () => {
    const absent = await findings({ vmId: '99999999-2222-3333-4444-555555555555', destinationHost: 'hv-a' });
    expect(absent.refusal?.code).toBe('VmNotFound');
    const away = await findings({ destinationHost: 'hv-away' });
    expect(away.concerns[0]).toMatchObject({ checkId: 'destination-answers', severity: 'critical' });
  });

  test('an unknown host, and a request that is none, are problems as those of a migration are', async () => {
    expect(await api.call('POST', 'preflight', { ...request, sourceHost: 'hv-z' })).toMatchObject({
      status: 422,
      body: { code: 'HostUnknown', field: 'sourceHost' },
    });
    expect((await api.call('POST', 'preflight', { ...request, kind: 'teleport' })).status).toBe(400);
  });

  test('it is in the description of the interface', async () => {
    const { body } = await api.call('GET', 'openapi.json');
    expect(body['paths']).toHaveProperty('/preflight.post.requestBody');
  });
});
