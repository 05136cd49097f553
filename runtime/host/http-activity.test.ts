import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sendHttp, type TokenSource } from './http-activity';

let server: Server;
let origin: string;
beforeAll(async () => {
  server = createServer((request, response) => response.end(JSON.stringify(request.headers)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

const sentHeaders = async (request: object, token: TokenSource): Promise<Record<string, string>> =>
  JSON.parse((await sendHttp({ method: 'GET', uri: origin, ...request }, token)).content) as Record<string, string>;

test.each([
  ['https://management.core.windows.net/', 'https://management.core.windows.net/.default'],
  ['https://graph.microsoft.com', 'https://graph.microsoft.com/.default'],
  ['api://app/.default', 'api://app/.default'],
])('a token for %s is asked for with the scope %s and sent as a bearer token', async (resource, scope) => {
  const tokenSource = { kind: 'AzureManagedIdentity', resource };
  const headers = await sentHeaders({ tokenSource }, async (asked) => `token of ${asked}`);
  expect(headers['authorization']).toBe(`Bearer token of ${scope}`);
});

test('a request without a token source asks for no token', async () => {
  const headers = await sentHeaders({ headers: { 'x-a': 'b' } }, () => Promise.reject(new Error('asked')));
  expect(headers).toMatchObject({ 'x-a': 'b' });
  expect(headers).not.toHaveProperty('authorization');
});

test('a request is not sent without the token that it needs', async () => {
  const tokenSource = { kind: 'AzureManagedIdentity', resource: 'api://app/.default' };
  const sent = sentHeaders({ tokenSource }, () => Promise.reject(new Error('no identity here')));
  await expect(sent).rejects.toThrow('no identity here');
});

test('an unknown token source is refused', async () => {
  const sent = sentHeaders({ tokenSource: { kind: 'Other', resource: 'x' } }, async () => 'token');
  await expect(sent).rejects.toThrow('AzureManagedIdentity');
});
