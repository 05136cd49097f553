/** HTTP functions that show how a request reaches them and how an answer leaves. */
import { app, type HttpRequest, type HttpResponseInit } from '@azure/functions';

/** What a function sees of a request. */
const seen = async (request: HttpRequest): Promise<HttpResponseInit> => ({
  jsonBody: {
    method: request.method,
    path: new URL(request.url).pathname,
    params: request.params,
    query: Object.fromEntries(request.query),
    type: request.headers.get('content-type'),
    header: request.headers.get('x-conformance'),
    body: await request.text(),
  },
});
app.http('open', { route: 'open/{name?}', methods: ['GET', 'POST'], authLevel: 'anonymous', handler: seen });
app.http('guarded', { methods: ['GET'], authLevel: 'function', handler: () => ({ body: 'function' }) });
app.http('locked', { methods: ['GET'], authLevel: 'admin', handler: () => ({ body: 'admin' }) });
app.http('everyMethod', { route: 'every-method', authLevel: 'anonymous', handler: seen });
app.http('writeOnly', {
  route: 'write-only',
  methods: ['PUT', 'PATCH', 'DELETE'],
  authLevel: 'anonymous',
  handler: seen,
});
app.http('number', { route: 'items/{id:int}', methods: ['GET'], authLevel: 'anonymous', handler: seen });
app.http('word', { route: 'items/{word:alpha}', methods: ['GET'], authLevel: 'anonymous', handler: seen });
app.http('special', { route: 'items/special', methods: ['GET'], authLevel: 'anonymous', handler: seen });
app.http('rest', { route: 'files/{*path}', methods: ['GET'], authLevel: 'anonymous', handler: seen });
app.http('middle', {
  route: 'teams/{team}/members/{member:length(2,4)}',
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: seen,
});
app.http('posted', {
  route: 'same-route',
  methods: ['POST'],
  authLevel: 'anonymous',
  handler: () => ({ body: 'posted' }),
});
app.http('got', { route: 'same-route', methods: ['GET'], authLevel: 'anonymous', handler: () => ({ body: 'got' }) });

const answers: Readonly<Record<string, HttpResponseInit>> = {
  teapot: { status: 418, body: 'short and stout' },
  json: { jsonBody: { a: [1, 'two'] } },
  empty: { status: 202 },
  none: { status: 204 },
  headers: { headers: { 'x-one': '1', 'X-Two': '2' }, body: 'with headers' },
  cookies: {
    cookies: [
      { name: 'a', value: '1' },
      { name: 'b', value: '2', httpOnly: true, maxAge: 60 },
    ],
  },
  bytes: { body: new Uint8Array([0, 1, 254, 255]), headers: { 'content-type': 'application/octet-stream' } },
  unicode: { body: 'grüße, 世界' },
  redirect: { status: 302, headers: { location: '/api/open/redirected' } },
};
app.http('answer', {
  route: 'answer/{kind}',
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: (request): HttpResponseInit => answers[request.params['kind'] ?? ''] ?? { status: 404 },
});
app.http('echoBytes', {
  route: 'echo-bytes',
  methods: ['POST'],
  authLevel: 'anonymous',
  handler: async (request): Promise<HttpResponseInit> => ({ body: new Uint8Array(await request.arrayBuffer()) }),
});
app.http('fail', {
  route: 'fail/{how}',
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: async (request): Promise<HttpResponseInit> => {
    if (request.params['how'] === 'later') await Promise.resolve();
    throw new Error('this text must stay in the log');
  },
});
// JavaScript apps often return nothing, which the types of @azure/functions do not foresee.
const returnNothing: () => never = () => undefined as never;
app.http('returnsNothing', { route: 'nothing', methods: ['GET'], authLevel: 'anonymous', handler: returnNothing });
const polls = new Map<string, number>();
/** Answers 202 with a Location twice and then 200: the asynchronous pattern that `callHttp` follows. */
app.http('slowly', {
  route: 'slowly/{key}',
  methods: ['GET', 'POST'],
  authLevel: 'anonymous',
  handler: (request): HttpResponseInit => {
    const count = (polls.get(request.params['key'] ?? '') ?? 0) + 1;
    polls.set(request.params['key'] ?? '', count);
    if (count > 2) return { jsonBody: { count, method: request.method } };
    return { status: 202, headers: { location: request.url, 'retry-after': '1' } };
  },
});
