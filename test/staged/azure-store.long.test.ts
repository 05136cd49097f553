import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AccessHolder } from '../../agent/disks/staged/access';
import { azureStore } from '../../agent/disks/staged/azure-store';
import type { BlockStore } from '../../agent/disks/staged/block-store';
import { fetchContent } from '../../agent/disks/staged/fetch';
import { stageContent } from '../../agent/disks/staged/stage';
import { fetchOf, stageOf } from '../../agent/disks/staged/testing/ends';
import { valueOf } from '../../agent/disks/failures';
import { mib } from '../../agent/disks/route/testing/hosts';
import { contentOf, makeImage, shapeOf } from '../../agent/disks/route/testing/images';
import { seededBytes } from '../../agent/disks/route/testing/random';
import { startAzurite, type Azurite } from '../azurite';
import { newContainer, type StagingContainer } from './containers';

const never = new AbortController().signal;
let azurite: Azurite;
let container: StagingContainer;
let containers = 0;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());
beforeEach(async () => {
  container = await newContainer(azurite.connectionString, `staged-${++containers}`);
});

const troubleOf = (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => 'none',
    (thrown: unknown) => (thrown as { trouble?: unknown }).trouble,
  );

/** As a source has it. */
const adding = (): BlockStore => azureStore(container.access('rc', 60_000), never);

test('what is put is there, once, and is got as it was', async () => {
  const store = adding();
  expect(await store.has('blocks/a')).toBe(false);
  expect(await store.get('blocks/a', 10)).toBeUndefined();
  expect(await store.put('blocks/a', Buffer.from('content'))).toBe('put');
  expect(await store.put('blocks/a', Buffer.from('another'))).toBe('there');
  expect(await store.has('blocks/a')).toBe(true);
  expect((await store.get('blocks/a', 10))?.toString()).toBe('content');
});

test('a blob that is longer than it may be is not read to its end', async () => {
  const store = adding();
  await store.put('blocks/a', Buffer.alloc(1000));
  expect(await troubleOf(store.get('blocks/a', 999))).toBe('too-long');
});

test('access to read cannot add, and none reaches another container', async () => {
  await adding().put('blocks/a', Buffer.from('content'));
  const reading = azureStore(container.access('r', 60_000), never);
  expect(await reading.has('blocks/a')).toBe(true);
  expect(await troubleOf(reading.put('blocks/b', Buffer.alloc(1)))).toBe('no-access');
  const other = await newContainer(azurite.connectionString, `other-${containers}`);
  const { sas, expiresAtMs } = container.access('r', 60_000);
  const astray = azureStore({ containerUrl: other.client.url, sas, expiresAtMs }, never);
  expect(await troubleOf(astray.has('blocks/a'))).toBe('no-access');
});

test('access that has ended is told from storage that is away, and a container that is gone from a blob that is', async () => {
  const ended = azureStore(container.access('r', -60_000), never);
  expect(await troubleOf(ended.has('blocks/a'))).toBe('no-access');
  const nobody = azureStore({ ...container.access('r', 60_000), containerUrl: 'http://127.0.0.1:1/a/b' }, never);
  expect(await troubleOf(nobody.has('blocks/a'))).toBe('away');
  const store = adding();
  await container.client.delete();
  expect(await troubleOf(store.get('blocks/a', 1))).toBe('gone');
  expect(await troubleOf(store.has('blocks/a'))).toBe('gone');
  expect(await troubleOf(store.put('blocks/a', Buffer.alloc(1)))).toBe('gone');
});

test('what a failure says of a request never holds the signature', async () => {
  const access = container.access('r', -60_000);
  const said = await azureStore(access, never)
    .get('blocks/a', 1)
    .catch((thrown: unknown) => String(thrown));
  expect(said).toContain('blocks/a');
  expect(said).not.toContain(new URLSearchParams(access.sas).get('sig'));
});

/** Stands before Azurite and answers some requests itself. */
async function busyFront(
  target: URL,
  answer: (request: number) => number | undefined,
): Promise<{ server: Server; port: number }> {
  let requests = 0;
  const server = createServer((request, response) => {
    const status = answer(++requests);
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      if (status !== undefined) {
        response.writeHead(status, { 'x-ms-error-code': status === 503 ? 'ServerBusy' : 'LeaseIdMissing' }).end();
        return;
      }
      const { host: _host, ...headers } = request.headers;
      const body = pieces.length > 0 ? Buffer.concat(pieces) : undefined;
      void fetch(new URL(request.url ?? '/', target), {
        method: request.method ?? 'GET',
        headers: Object.fromEntries(
          Object.entries(headers).filter(
            ([name]) => !['connection', 'transfer-encoding', 'content-length'].includes(name),
          ),
        ) as Record<string, string>,
        ...(body && { body }),
      }).then(async (passed) => {
        const passedHeaders = Object.fromEntries(passed.headers);
        response.writeHead(passed.status, passedHeaders).end(Buffer.from(await passed.arrayBuffer()));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

test('storage that is busy every other time, or answers 412, costs time and no content', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hyperferry-staged-'));
  const url = new URL(container.client.url);
  const { server, port } = await busyFront(new URL(url.origin), (request) =>
    request % 3 === 1 ? 503 : request % 7 === 2 ? 412 : undefined,
  );
  const access = (rights: string) => {
    const direct = container.access(rights, 60_000);
    return new AccessHolder({ ...direct, containerUrl: `http://127.0.0.1:${port}${url.pathname}` });
  };
  const storeOf = (one: Parameters<typeof azureStore>[0]) => azureStore(one, never);
  const path = join(folder, 'source.vhdx');
  await makeImage(path, shapeOf(), [{ offsetBytes: 0, data: seededBytes(8 * mib, 1) }]);
  const staged = valueOf(await stageContent(stageOf(adding(), path, { storeOf, access: access('rc') })));
  const copied = valueOf(await fetchContent(fetchOf(adding(), folder, { storeOf, access: access('r') })));
  expect(copied.digest).toBe(staged.digest);
  expect((await contentOf(copied.path)).bytes.equals((await contentOf(path)).bytes)).toBe(true);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
}, 120_000);
