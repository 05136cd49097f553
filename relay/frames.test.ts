import { rendezvousUrl, listenUrl, relayEndpoint, senderUrl, withoutHybridConnection } from './address';
import { frameFromListener, frameToListener } from './frames';

const request = {
  address: 'ws://127.0.0.1/$hc/h?sb-hc-action=request',
  id: '1',
  requestTarget: '/host-1/v1/vms',
  method: 'GET',
};
const read = (value: unknown) => frameToListener(JSON.stringify(value));

describe('a frame to the listener', () => {
  test('with a whole request is read, its header names in lower case', () => {
    const requestHeaders = { 'X-One': 'a', Two: 'b' };
    expect(read({ request: { ...request, requestHeaders, body: true } })).toEqual({
      type: 'request',
      request: { ...request, requestHeaders: { 'x-one': 'a', two: 'b' }, body: true },
      hasBody: true,
    });
  });

  test('with an address alone tells where the request waits', () => {
    const { address } = request;
    const expected = { type: 'request-elsewhere', address, hasBody: false };
    expect(read({ request: { address } })).toEqual(expected);
    expect(read({ request: { address, id: '1' } })).toEqual(expected);
  });

  test('may have keys of a later version, beside and within', () => {
    expect(read({ later: 1, request: { ...request, later: [2] } })).toMatchObject({ type: 'request' });
    expect(read({ later: 1 })).toMatchObject({ type: 'unusable', reason: expect.stringContaining('later') });
  });

  test('loses the headers that are none, and no others', () => {
    const requestHeaders = {
      good: 'x',
      'bad name': 'x',
      broken: 'a\r\nb: c',
      'x\n': 'y',
      list: ['a', 'b'],
      n: 5,
      o: {},
    };
    const text = JSON.stringify({ request: { ...request, requestHeaders } }).replace(
      '"good"',
      '"__proto__":"p","good"',
    );
    const frame = frameToListener(text);
    if (frame.type !== 'request') throw new Error(frame.type);
    expect(frame.request.requestHeaders).toMatchObject({ good: 'x', list: 'a, b', n: '5' });
    expect(Object.keys(frame.request.requestHeaders).filter((name) => !['good', 'list', 'n'].includes(name))).toEqual(
      [],
    );
    expect(Object.getPrototypeOf(frame.request.requestHeaders)).toBe(Object.prototype);
  });

  test.each([
    ['no JSON', 'hello'],
    ['a torn frame', '{"request":{"id":'],
    ['nothing', ''],
    ['no object', '[1]'],
    ['null', 'null'],
    ['a request that is text', '{"request":"x"}'],
    ['a request without an id', JSON.stringify({ request: { ...request, id: undefined } })],
    ['a method of small letters', JSON.stringify({ request: { ...request, method: 'get' } })],
    ['a target that is no path', JSON.stringify({ request: { ...request, requestTarget: 'http://x/' } })],
    ['a target with a line break', JSON.stringify({ request: { ...request, requestTarget: '/a\nb' } })],
    ['a target that is too long', JSON.stringify({ request: { ...request, requestTarget: `/${'x'.repeat(20_000)}` } })],
    ['an accept without an address', '{"accept":{"id":"1"}}'],
    ['a frame that is too long', JSON.stringify({ later: 'x'.repeat(200_000) })],
  ])('that is %s is unusable and says why', (_what, text) => {
    const frame = frameToListener(text);
    expect(frame).toMatchObject({ type: 'unusable', hasBody: false });
    expect(frame.type === 'unusable' && frame.reason.length).toBeGreaterThan(5);
  });
});

describe('a frame from the listener', () => {
  test.each([200, '200'])('may give the status as %p', (statusCode) => {
    const frame = frameFromListener(JSON.stringify({ response: { requestId: '1', statusCode, body: true } }));
    expect(frame).toMatchObject({ type: 'response', response: { statusCode: 200 }, hasBody: true });
  });

  test.each([0, 99, 100, 600, 'abc', '2000', null, 2.5])('with the status %p is unusable', (statusCode) => {
    const frame = frameFromListener(JSON.stringify({ response: { requestId: '1', statusCode } }));
    expect(frame.type).toBe('unusable');
  });

  test('with a new token is read', () => {
    expect(frameFromListener('{"renewToken":{"token":"t"}}')).toMatchObject({ type: 'renew-token', token: 't' });
  });
});

describe('an address', () => {
  test('of the relay is https or http with a host and nothing else', () => {
    for (const good of ['https://contoso.servicebus.windows.net', 'http://127.0.0.1:8080'])
      expect(relayEndpoint.safeParse(good).success).toBe(true);
    for (const bad of ['contoso', 'ws://x', 'ftp://x', 'https://x/path', 'https://user@x', 'https://x?y'])
      expect(relayEndpoint.safeParse(bad).success).toBe(false);
  });

  test('has the infix of the protocol for listeners and none for senders', () => {
    expect(listenUrl('https://contoso.servicebus.windows.net', 'host-1', 'id')).toBe(
      'wss://contoso.servicebus.windows.net/$hc/host-1?sb-hc-action=listen&sb-hc-id=id',
    );
    expect(senderUrl('http://127.0.0.1:8080', 'host-1', '/v1/vms?x=1')).toBe('http://127.0.0.1:8080/host-1/v1/vms?x=1');
  });

  test.each([
    ['wss://contoso.servicebus.windows.net/$hc/h?sb-hc-id=1', true],
    ['wss://g12-prod-sb.servicebus.windows.net/$hc/h', true],
    ['wss://contoso.servicebus.windows.net.evil.example/$hc/h', false],
    ['wss://evilservicebus.windows.net/$hc/h', false],
    ['ws://contoso.servicebus.windows.net/$hc/h', false],
    ['https://contoso.servicebus.windows.net/', false],
    ['no url', false],
  ])('of a rendezvous, %s, is opened: %p', (address, opened) => {
    expect('url' in rendezvousUrl('https://contoso.servicebus.windows.net', address)).toBe(opened);
  });

  test('of a rendezvous of the emulator is on the same machine', () => {
    expect('url' in rendezvousUrl('http://127.0.0.1:1', 'ws://127.0.0.1:2/$hc/h')).toBe(true);
    expect('url' in rendezvousUrl('http://127.0.0.1:1', 'ws://10.0.0.1:1/$hc/h')).toBe(false);
  });

  test.each([
    ['/host-1/v1/vms?x=1', '/v1/vms?x=1'],
    ['/HOST-1/v1/vms', '/v1/vms'],
    ['/host-1', '/'],
    ['/host-1?x=1', '/?x=1'],
    ['/host-10/v1', '/host-10/v1'],
    ['/other/v1', '/other/v1'],
  ])('%s is %s to the agent', (target, path) => {
    expect(withoutHybridConnection('host-1', target)).toBe(path);
  });
});
