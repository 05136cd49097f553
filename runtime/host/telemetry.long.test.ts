import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { z } from 'zod';
import { HostUnderTest } from '../testing/run-host';
import { makeSampleFolder, type SampleFolder } from '../testing/sample-folder';

// Against a receiver of OTLP over HTTP that keeps what it is sent.

type Received = { readonly path: string; readonly headers: NodeJS.Dict<string | string[]>; readonly body: unknown };

let sample: SampleFolder;
let server: Server;
let received: Received[];
let endpoint: string;

beforeEach(async () => {
  sample = makeSampleFolder({
    'host.json': { version: '2.0', logging: { logLevel: { Function: 'Debug' } } },
  });
  received = [];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
      received.push({ path: request.url ?? '', headers: request.headers, body });
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});
afterEach(() => {
  server.close();
  sample.folder.remove();
});

const start = (environment: Record<string, string>, ...parameters: string[]): Promise<HostUnderTest> =>
  HostUnderTest.start(sample.folder, parameters, { ...sample.environment, ...environment });

const attribute = z.object({ key: z.string(), value: z.record(z.string(), z.unknown()) });
const traces = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: z.array(attribute) }),
      scopeSpans: z.array(
        z.object({
          spans: z.array(
            z.looseObject({
              traceId: z.string(),
              name: z.string(),
              attributes: z.array(attribute),
              status: z.object({ code: z.number().optional(), message: z.string().optional() }),
              startTimeUnixNano: z.string(),
              endTimeUnixNano: z.string(),
            }),
          ),
        }),
      ),
    }),
  ),
});
const metrics = z.object({
  resourceMetrics: z.array(
    z.object({ scopeMetrics: z.array(z.object({ metrics: z.array(z.looseObject({ name: z.string() })) })) }),
  ),
});

const textOf = (attributes: z.infer<typeof attribute>[], key: string): unknown =>
  attributes.find((one) => one.key === key)?.value['stringValue'];
const sentTo = (path: string): unknown[] => received.filter((one) => one.path === path).map(({ body }) => body);

test('spans and metrics of every invocation reach the collector, those of an instance in one trace', async () => {
  const host = await start({
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-api-key=secret',
    OTEL_SERVICE_NAME: 'orders',
  });
  await host.ended(await host.start('Chain', 3, 'chain'));
  await host.ended(await host.start('Calls', { activity: 'Missing', input: 1 }, 'calls'));
  expect((await host.fetch('/api/throws')).status).toBe(500);
  expect(await host.end('SIGTERM')).toBe(0);

  const sent = sentTo('/v1/traces').flatMap((body) => traces.parse(body).resourceSpans);
  expect(new Set(sent.map(({ resource }) => textOf(resource.attributes, 'service.name')))).toEqual(new Set(['orders']));
  const spans = sent.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  const ofChain = spans.filter(({ attributes }) => textOf(attributes, 'durabletask.task.instance_id') === 'chain');
  expect(ofChain.filter(({ name }) => name === 'activity Effect')).toHaveLength(3);
  expect(ofChain.filter(({ name }) => name === 'orchestrator Chain').length).toBeGreaterThanOrEqual(4);
  expect(new Set(ofChain.map(({ traceId }) => traceId)).size).toBe(1);
  expect(spans.every((span) => BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano))).toBe(true);
  const failed = spans.find(({ name }) => name === 'http throws');
  expect(failed).toMatchObject({ status: { code: 2, message: 'thrown on purpose' } });
  expect(textOf(failed?.attributes ?? [], 'hyperferry.outcome')).toBe('failed');

  const names = sentTo('/v1/metrics')
    .flatMap((body) => metrics.parse(body).resourceMetrics)
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics.map(({ name }) => name)));
  expect(names).toEqual(
    expect.arrayContaining([
      'hyperferry.invocations',
      'hyperferry.invocation.duration',
      'hyperferry.turns',
      'hyperferry.activitiesWaiting',
    ]),
  );
  expect(received[0]?.headers['x-api-key']).toBe('secret');
});

test('a collector that is not there costs nothing but the spans: the host serves, and ends', async () => {
  const host = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' });
  expect((await host.ended(await host.start('Chain', 3))).output).toBe(3);
  expect(await host.end('SIGTERM')).toBe(0);
});

/** A preload under which no package of OpenTelemetry is found but the one that durable-functions brings. */
function withoutPackages(): Record<string, string> {
  const preload = join(sample.folder.app, 'without.cjs');
  writeFileSync(
    preload,
    `require('node:module').registerHooks({ resolve(specifier, context, next) {
       if (/^@opentelemetry.(?!api$)/.test(specifier)) throw new Error('Cannot find package ' + specifier);
       return next(specifier, context);
     } });`,
  );
  return { NODE_OPTIONS: `--require ${preload}` };
}

test('where its packages are not installed, the host says which to install, and runs without', async () => {
  const host = await start({ ...withoutPackages(), OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
  expect((await host.ended(await host.start('Chain', 3))).output).toBe(3);
  await host.end('SIGTERM');
  expect(host.log.join('\n')).toMatch(
    /OpenTelemetry is configured and does not run: .*npm install @opentelemetry\/api/,
  );
  expect(received).toEqual([]);
});

test('nothing of it is loaded when it is not configured', async () => {
  const host = await start(withoutPackages());
  expect((await host.ended(await host.start('Chain', 3))).output).toBe(3);
  await host.end('SIGTERM');
  expect(host.log.join('\n')).not.toContain('OpenTelemetry');
});

const line = z.looseObject({ time: z.iso.datetime(), level: z.string(), category: z.string(), message: z.string() });

test('with --log json every line is an object, and invocations say function, instance, outcome and time', async () => {
  const host = await start({}, '--log', 'json');
  await host.ended(await host.start('Chain', 1, 'logged'));
  await host.fetch('/api/throws');
  await host.end('SIGTERM');
  const lines = host.log.map((text) => line.parse(JSON.parse(text)));
  expect(lines).toContainEqual(
    expect.objectContaining({
      level: 'debug',
      category: 'Function.Effect',
      functionName: 'Effect',
      kind: 'activity',
      instanceId: 'logged',
      outcome: 'succeeded',
      durationMs: expect.any(Number),
      message: expect.stringMatching(/^Executed 'Functions\.Effect' \(Succeeded, Id=logged, Duration=\d+ms\)$/),
    }),
  );
  expect(lines).toContainEqual(
    expect.objectContaining({
      level: 'error',
      functionName: 'throws',
      outcome: 'failed',
      invocationId: expect.any(String),
    }),
  );
});
