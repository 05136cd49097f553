import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { azureStore } from '../../agent/disks/staged/azure-store';
import type { BlockStore } from '../../agent/disks/staged/block-store';

/** What storage does with a request before it falls silent. */
type Silence = 'answers nothing' | 'stops in the middle of its answer';
let silence: Silence;
let server: Server;
let store: BlockStore;
beforeEach(async () => {
  server = createServer((request, response) => {
    request.resume();
    if (silence === 'answers nothing') return;
    response.writeHead(200, { 'content-length': 1000, etag: '"1"' });
    response.write(Buffer.alloc(10));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const access = { containerUrl: `http://127.0.0.1:${port}/account/container`, sas: 'sig=a', expiresAtMs: 1 };
  store = azureStore(access, new AbortController().signal, 200);
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const calls: [string, Silence, () => Promise<unknown>][] = [
  ['a look for a block', 'answers nothing', () => store.has('blocks/a')],
  ['a put', 'answers nothing', () => store.put('blocks/a', Buffer.alloc(1000))],
  ['a get', 'answers nothing', () => store.get('blocks/a', 1000)],
  ['a get', 'stops in the middle of its answer', () => store.get('blocks/a', 1000)],
];

// A connection whose other end is gone without a word says nothing, for ever.
test.each(calls)('%s of storage that %s is given up as one of storage that is away', async (_, how, call) => {
  silence = how;
  await expect(call()).rejects.toMatchObject({ name: 'StoreError', trouble: 'away' });
});
