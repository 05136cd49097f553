import { createServer, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { copyRecordedFunctions, hasRecordings, recordedExchanges, type RecordedExchange } from '../testing/recordings';
import { HostUnderTest, makeAppFolder, type AppFolder } from '../testing/run-host';

const scenarios = hasRecordings() ? recordedExchanges() : {};

/** Exchanges that differ, each with the reason; docs/runtime.md lists them. */
const keptDifferences: Readonly<Record<string, string>> = {
  'GET /instances/m-BadAct?showHistory=true&showHistoryOutput=true':
    'a missing activity fails its call; the real instance stays Running for ever',
  'GET /instances/m-BadSub?showHistory=true&showHistoryOutput=true':
    'a missing orchestrator fails its call; the real instance stays Running for ever',
  'GET /instances/m-NonDet?showHistory=true&showHistoryOutput=true':
    'the status can be read; the real one stumbles over the history that it has broken',
  'GET /instances/can1?showHistory=true&showHistoryOutput=true':
    'events that nobody waited for are kept at continueAsNew; the real instance has lost them and waits for ever',
  'GET /entities/Counter/other':
    "a signal from an entity reaches 'Counter' whatever the case of its name; the real one goes to another entity",
  'GET /entities?top=1': 'the same, and entities are listed by id',
  'POST /instances/ev1/raiseEvent/A "x"': 'the event before it has ended the instance by now',
  'DELETE /instances/w1': 'the restarted instance has ended by now; the recorded one was still Pending',
  'GET /instances/w1': 'it was purged just before, see above',
};

let folder: AppFolder | undefined;
let host: HostUnderTest;
let server: Server | undefined;

beforeAll(async () => {
  if (Object.keys(scenarios).length === 0) return;
  folder = makeAppFolder(copyRecordedFunctions(__dirname), {
    'host.json': { version: '2.0', extensions: { durableTask: { hubName: 'TestHub' } } },
  });
  host = await HostUnderTest.start(folder);
  server = createServer((request, response) => {
    response.writeHead(201, { 'x-y': 'z' });
    response.end(JSON.stringify({ m: request.method }));
  }).listen(17_999, '127.0.0.1');
});
afterAll(async () => {
  if (folder !== undefined) await host.end('SIGKILL');
  server?.close();
  folder?.remove();
});

type Request = {
  readonly method: string;
  readonly path: string;
  readonly body: string | undefined;
  readonly isJson: boolean;
};

/** `POST /path body`; a body recorded as a JSON string is text that was sent as it is. */
function requestOf(line: string): Request {
  const [, method = '', path = '', body] = /^(\S+) (\S+)(?: (.*))?$/s.exec(line) ?? [];
  const isQuoted = body?.startsWith('"') === true;
  return { method, path, body: isQuoted ? JSON.parse(body) : body, isJson: body !== undefined };
}

async function send(request: Request) {
  const response = await fetch(`${host.durable}${request.path}`, {
    method: request.method,
    ...(request.isJson ? { headers: { 'content-type': 'application/json' } } : {}),
    ...(request.body === undefined ? {} : { body: request.body }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? '' : JSON.parse(text) };
}

/** The shape of a body: its fields and the kinds of their values; texts, numbers and times may differ. */
function shapeOf(value: unknown, path = ''): unknown {
  // What the app itself returned is compared elsewhere; a list is as long as the run before made it.
  if (/\.(input|output|customStatus|Result|Input)$/.test(path)) return 'any';
  if (Array.isArray(value))
    return path.endsWith('.historyEvents') ? value.map((item) => shapeOf(item, 'event')) : 'list';
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  const fields = Object.entries(value).map(([name, child]) => [name, shapeOf(child, `${path}.${name}`)]);
  return Object.fromEntries(fields.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
}

/** What is compared of an answer. */
const comparable = (answered: { status: number; body: unknown }) => ({
  status: answered.status,
  body: shapeOf(answered.body),
});

/** Between start and first turn there is no time to look here. */
const wasPending = ({ body }: RecordedExchange): boolean => JSON.stringify(body).includes('"runtimeStatus":"Pending"');

const stateIn = (body: unknown): unknown =>
  typeof body === 'object' && body !== null && 'runtimeStatus' in body ? body.runtimeStatus : undefined;

/**
 * Sends a request. The recorder waited before it read what a request before had set going: reading waits for that here, for the state of
 * the instance as well, which the next request may depend on.
 */
async function sendAsRecorded(recorded: RecordedExchange) {
  const request = requestOf(recorded.req);
  const untilMs = Date.now() + 30_000;
  for (;;) {
    const answered = await send(request);
    const isEqual =
      isDeepStrictEqual(comparable(answered), comparable(recorded)) &&
      stateIn(answered.body) === stateIn(recorded.body);
    const isRead = request.method === 'GET' && !(recorded.req in keptDifferences) && !wasPending(recorded);
    if (isEqual || !isRead || Date.now() > untilMs) return answered;
    await sleep(25);
  }
}

async function replayScenario(exchanges: readonly RecordedExchange[]): Promise<void> {
  for (const recorded of exchanges) {
    const answered = await sendAsRecorded(recorded);
    if (recorded.req in keptDifferences || wasPending(recorded)) continue;
    expect({ req: recorded.req, ...comparable(answered) }).toEqual({ req: recorded.req, ...comparable(recorded) });
    for (const name of Object.keys(recorded.headers)) {
      expect({ req: recorded.req, name, has: answered.headers.has(name) }).toMatchObject({ has: true });
    }
    expect(answered.headers.get('retry-after')).toBe(recorded.headers['retry-after'] ?? null);
  }
}

(Object.keys(scenarios).length > 0 ? describe : describe.skip)('the management API answers as recorded', () => {
  const beside = Object.keys(scenarios).filter((name) => name !== 'Mgmt');

  test('all scenarios of single orchestrations, side by side', async () => {
    await Promise.all(beside.map((name) => replayScenario(scenarios[name]!)));
  });

  test('management of instances', async () => {
    await replayScenario(scenarios['Mgmt']!);
  });
});
