import type { Case } from '../case';
import { matching, some } from '../match';
import { ask, askWith } from '../steps';

const area = 'http functions';
const reached = (name: string, line: string, fields: Parameters<typeof some>[0]): Case => ({
  area,
  name,
  uses: [],
  steps: [ask(line, { status: 200, body: some(fields) }, { key: 'none' })],
});
const missed = (name: string, ...lines: readonly string[]): Case => ({
  area,
  name,
  uses: [],
  steps: lines.map((line) => askWith('none', line, 404)),
});
const answered = (name: string, kind: string, answer: Parameters<typeof ask>[1]): Case => ({
  area,
  name,
  uses: ['answer'],
  steps: [ask(`GET /api/answer/${kind}`, answer, { key: 'none' })],
});

export const httpFunctionCases: readonly Case[] = [
  reached('a route parameter reaches its function decoded', 'GET /api/open/a%20b', { params: { name: 'a b' } }),
  reached('an optional parameter may be missing', 'GET /api/open', { params: {} }),
  reached('a path is taken in any case', 'GET /API/Open/X', { params: { name: 'X' } }),
  reached('a slash at the end changes nothing', 'GET /api/open/x/', { params: { name: 'x' } }),
  reached('the query reaches its function decoded', 'GET /api/open?a=1&b=%C3%A9+x&c', {
    query: { a: '1', b: 'é x', c: '' },
  }),
  reached('a number goes to the route with the number constraint', 'GET /api/items/42', { params: { id: '42' } }),
  reached('a word goes to the route with the word constraint', 'GET /api/items/fortytwo', {
    params: { word: 'fortytwo' },
  }),
  reached('text of a route comes before its parameters', 'GET /api/items/special', {
    path: '/api/items/special',
    params: {},
  }),
  reached('a catch-all parameter takes the rest of the path', 'GET /api/files/a/b/c.txt', {
    params: { path: 'a/b/c.txt' },
  }),
  reached('a constraint on length lets a fitting value in', 'GET /api/teams/t/members/abc', {
    params: { team: 't', member: 'abc' },
  }),
  missed(
    'what fits no constraint is answered 404',
    'GET /api/items/4-2',
    'GET /api/teams/t/members/a',
    'GET /api/teams/t/members/abcde',
  ),
  missed(
    'what no function takes is answered 404',
    'GET /api/none',
    'GET /none',
    'GET /api/open/a/b',
    'GET /api/teams/t',
  ),
  {
    area,
    name: 'functions may share a route when their methods differ',
    uses: ['posted', 'got'],
    steps: [
      ask('POST /api/same-route', { status: 200, body: 'posted' }, { text: '', key: 'none' }),
      ask('GET /api/same-route', { status: 200, body: 'got' }, { key: 'none' }),
    ],
  },
  {
    area,
    name: 'a function without methods takes GET and POST',
    uses: ['everyMethod'],
    steps: ['GET', 'POST'].map((method) =>
      ask(`${method} /api/every-method`, { status: 200, body: some({ method }) }, { key: 'none' }),
    ),
  },
  {
    area,
    name: 'PUT, PATCH and DELETE reach a function that takes them',
    uses: ['writeOnly'],
    steps: ['PUT', 'PATCH', 'DELETE'].map((method) =>
      ask(
        `${method} /api/write-only`,
        { status: 200, body: some({ method, body: '"x"' }) },
        { json: 'x', key: 'none' },
      ),
    ),
  },
  {
    area,
    name: 'a method that no function of the path takes is answered',
    uses: ['writeOnly', 'open'],
    steps: [askWith('none', 'GET /api/write-only', 404), askWith('none', 'DELETE /api/open', 404)],
    here: {
      reason: '405 with what is allowed says what is wrong',
      steps: [
        ask('GET /api/write-only', { status: 405, headers: { allow: 'PUT, PATCH, DELETE, OPTIONS' } }, { key: 'none' }),
        ask('DELETE /api/open', { status: 405, headers: { allow: 'GET, POST, HEAD, OPTIONS' } }, { key: 'none' }),
      ],
    },
  },
  {
    area,
    name: 'OPTIONS of a path is answered',
    uses: ['open'],
    steps: [askWith('none', 'OPTIONS /api/open', 404)],
    here: {
      reason: '204 with what is allowed is the answer of RFC 9110',
      steps: [
        ask(
          'OPTIONS /api/open',
          { status: 204, headers: { allow: 'GET, POST, HEAD, OPTIONS' }, body: '' },
          { key: 'none' },
        ),
      ],
    },
  },
  {
    area,
    name: 'HEAD of a path is answered',
    uses: ['open'],
    steps: [askWith('none', 'HEAD /api/open', 404)],
    here: {
      reason: 'HEAD goes where GET goes, as RFC 9110 asks',
      steps: [
        ask(
          'HEAD /api/open/x',
          { status: 200, headers: { 'content-length': matching(/^[1-9]\d*$/) }, body: '' },
          { key: 'none' },
        ),
        askWith('none', 'HEAD /api/none', 404),
      ],
    },
  },
  {
    area,
    name: 'headers, content type and body reach their function',
    uses: ['open'],
    steps: [
      ask(
        'POST /api/open/b',
        { status: 200, body: some({ type: 'text/csv', header: 'given', body: 'a;b\r\n1;2' }) },
        { text: 'a;b\r\n1;2', headers: { 'content-type': 'text/csv', 'x-conformance': 'given' }, key: 'none' },
      ),
    ],
  },
  {
    area,
    name: 'a request without a body has an empty one',
    uses: ['open'],
    steps: [ask('POST /api/open', { status: 200, body: some({ body: '', method: 'POST' }) }, { key: 'none' })],
  },
  {
    area,
    name: 'bytes go in and come out unchanged',
    uses: ['echoBytes'],
    steps: [
      ask('POST /api/echo-bytes', { status: 200, body: matching(/^a{70000}$/) }, { byteCount: 70_000, key: 'none' }),
    ],
  },
  answered('a function chooses the status', 'teapot', { status: 418, body: 'short and stout' }),
  answered('a body of JSON has its content type', 'json', {
    status: 200,
    headers: { 'content-type': matching(/^application\/json/) },
    body: { a: [1, 'two'] },
  }),
  answered('a status without a body has none', 'empty', { status: 202, body: '' }),
  answered('a 204 has no body', 'none', { status: 204, body: '' }),
  answered('a function sets headers', 'headers', {
    status: 200,
    headers: { 'x-one': '1', 'x-two': '2' },
    body: 'with headers',
  }),
  answered('a function sets cookies', 'cookies', {
    status: 200,
    headers: { 'set-cookie': matching(/^a=1, b=2; Max-Age=60; HttpOnly$/i) },
  }),
  answered('a function sets the content type', 'bytes', {
    status: 200,
    headers: { 'content-type': 'application/octet-stream', 'content-length': '4' },
  }),
  answered('a text of other letters arrives as it was', 'unicode', { status: 200, body: 'grüße, 世界' }),
  answered('a redirection is the client’s to follow', 'redirect', {
    status: 302,
    headers: { location: '/api/open/redirected' },
  }),
  {
    area,
    name: 'a function that throws is answered 500 and does not tell why',
    uses: ['fail'],
    steps: [
      ask('GET /api/fail/now', { status: 500, body: '' }, { key: 'none' }),
      ask('GET /api/fail/later', { status: 500, body: '' }, { key: 'none' }),
    ],
  },
  {
    area,
    name: 'a function that returns nothing is answered 204',
    uses: ['returnsNothing'],
    steps: [ask('GET /api/nothing', { status: 204, body: '' }, { key: 'none' })],
  },
  {
    area,
    name: 'a function of the level "anonymous" asks for no key',
    uses: ['open'],
    steps: [askWith('none', 'GET /api/open', 200), askWith('wrong', 'GET /api/open', 200)],
  },
  {
    area,
    name: 'a function of the level "function" asks for a key, in the header or in the address',
    uses: ['guarded'],
    steps: [
      askWith('none', 'GET /api/guarded', 401),
      askWith('wrong', 'GET /api/guarded', 401),
      ask('GET /api/guarded', { status: 200, body: 'function' }),
      askWith('master in the address', 'GET /api/guarded', 200),
    ],
  },
  {
    area,
    name: 'a function of the level "admin" takes the master key',
    uses: ['locked'],
    steps: [askWith('none', 'GET /api/locked', 401), ask('GET /api/locked', { status: 200, body: 'admin' })],
  },
  {
    area,
    name: 'a function key opens the level "function" and not the level "admin"',
    uses: ['guarded', 'locked'],
    steps: [askWith('function', 'GET /api/guarded', 200), askWith('function', 'GET /api/locked', 401)],
    except: { azure: 'the suite knows no keys of the app but the one given' },
  },
  {
    area,
    name: 'the system key of the durable extension opens no function',
    uses: ['guarded'],
    steps: [askWith('system', 'GET /api/guarded', 401)],
    except: { azure: 'the suite knows no keys of the app but the one given' },
  },
];
