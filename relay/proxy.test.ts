import { createServer as createHttpServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { generate } from 'selfsigned';
import { createRelayClient } from './client';
import { systemClock } from './clock';
import { startEmulator } from './emulator';
import { jsonResponse } from './exchange';
import { startListener } from './listener';
import { outboundAgent, shownProxy } from './proxy';
import { systemRandom } from './random';
import { generateSigningKey, signingKeyFrom } from './signing';
import { connected } from './testing/support';
import { sasTokens } from './token';

const endpoint = 'https://relay.example';
const wayOf = (env: Record<string, string | undefined>, to = endpoint) => {
  const way = outboundAgent(to, env);
  return way.ok ? way.value : way.failure;
};

test('without a proxy, and to the emulator, the way is direct', () => {
  expect(wayOf({})).toBeUndefined();
  expect(wayOf({ HTTPS_PROXY: '' })).toBeUndefined();
  expect(wayOf({ HTTPS_PROXY: 'http://proxy:8080' }, 'http://127.0.0.1:80')).toBeUndefined();
});

test.each(['proxy:8080', 'ftp://proxy', 'nonsense'])('%s is no proxy, and the variable is named', (proxy) => {
  expect(wayOf({ https_proxy: proxy })).toMatchObject({
    code: 'RequestInvalid',
    message: expect.stringContaining('HTTPS_PROXY') as string,
  });
});

test('a proxy is shown without user and password', () => {
  expect(shownProxy({ HTTPS_PROXY: 'http://me:secret@proxy:8080' })).toBe('proxy:8080');
  expect(shownProxy({ HTTPS_PROXY: 'secret' })).toBe('a value that is no URL');
  expect(shownProxy({})).toBeUndefined();
});

describe('a listener behind a proxy', () => {
  const open: (() => Promise<void>)[] = [];
  const trusted = getCACertificates('default');
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
    setDefaultCACertificates(trusted);
  });

  /** Listens, and at the end closes every connection too: a tunnel is no request that ends by itself. */
  async function listening(server: Server | ReturnType<typeof createTlsServer>): Promise<number> {
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push(async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    });
    return (server.address() as AddressInfo).port;
  }

  test('reaches the relay by a tunnel, in TLS from end to end, and answers requests', async () => {
    const keys = [
      { name: 'agent', key: 'a', rights: ['Listen' as const] },
      { name: 'app', key: 'b', rights: ['Send' as const] },
    ];
    const relay = await startEmulator({ port: 0, namespace: 'relay.example', hybridConnections: ['host-1'], keys });
    open.push(() => relay.close());
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'relay.example' }], {
      keyType: 'ec',
      curve: 'P-256',
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'relay.example' }] }],
    });
    setDefaultCACertificates([...trusted, cert]);
    const tls = createTlsServer({ key, cert }, (secure) => {
      const inner = connect(relay.port, '127.0.0.1');
      secure.pipe(inner).pipe(secure);
      for (const socket of [secure, inner]) socket.on('error', () => [secure, inner].forEach((one) => one.destroy()));
    });
    const tlsPort = await listening(tls);
    const asked: (string | undefined)[] = [];
    const proxy = createHttpServer();
    proxy.on('connect', (request, socket) => {
      asked.push(`${request.url} ${request.headers['proxy-authorization']}`);
      const tunnel = connect(tlsPort, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        tunnel.pipe(socket).pipe(tunnel);
      });
      for (const one of [tunnel, socket]) one.on('error', () => [tunnel, socket].forEach((each) => each.destroy()));
    });
    const proxyPort = await listening(proxy);

    const agent = wayOf({ HTTPS_PROXY: `http://me:secret@127.0.0.1:${proxyPort}`, NO_PROXY: 'localhost' });
    if (agent === undefined || 'code' in agent) throw new Error('there is no way');
    const clock = systemClock;
    const listener = startListener({
      endpoint,
      path: 'host-1',
      tokens: sasTokens({ keyName: 'agent', key: 'a', clock }),
      handler: () => Promise.resolve(jsonResponse(200, { seen: true })),
      clock,
      random: systemRandom,
      log: () => undefined,
      agent,
    });
    open.push(() => listener.close());
    await connected(listener);
    const client = createRelayClient({
      endpoint: `http://127.0.0.1:${relay.port}`,
      tokens: sasTokens({ keyName: 'app', key: 'b', clock }),
      signingKey: signingKeyFrom(generateSigningKey().privateKeyBase64),
      clock,
      random: systemRandom,
    });
    const answer = await client.send({ hostId: 'host-1' as never, method: 'GET', path: '/v1/health' });
    expect(answer).toMatchObject({ ok: true, value: { body: { seen: true } } });
    expect(new Set(asked)).toEqual(new Set(['relay.example:443 Basic bWU6c2VjcmV0']));
  });
});
