import { parseRoute, type Route } from './route';

function routeOf(template: string): Route {
  const route = parseRoute(template);
  if (route.kind === 'unreadable') throw new Error(route.reason);
  return route.value;
}

const match = (template: string, path: string): Record<string, string> | undefined =>
  routeOf(template).match(path.split('/').filter((segment) => segment !== ''));

test.each([
  ['vms', '/vms', {}],
  ['VMS/list', '/vms/LIST', {}],
  ['vms/{id}', '/vms/a b', { id: 'a b' }],
  ['vms/{id?}', '/vms', {}],
  ['vms/{id=7}', '/vms', { id: '7' }],
  ['vms/{id}/disks/{disk:int}', '/vms/a/disks/3', { id: 'a', disk: '3' }],
  ['files/{*rest}', '/files/a/b/c', { rest: 'a/b/c' }],
  ['files/{*rest}', '/files', {}],
  ['{name}.{extension}', '/a.b.txt', { name: 'a.b', extension: 'txt' }],
  ['x/{id:guid}', '/x/6f9619ff-8b86-d011-b42d-00c04fc964ff', { id: '6f9619ff-8b86-d011-b42d-00c04fc964ff' }],
  ['x/{n:range(1,5)}', '/x/5', { n: '5' }],
  ['x/{n:int:min(10)}', '/x/10', { n: '10' }],
  ['x/{s:length(2,3)}', '/x/abc', { s: 'abc' }],
  ['x/{s:regex(^a{{2}}$)}', '/x/aa', { s: 'aa' }],
  ['x/{s:alpha?}', '/x', {}],
  ['x/{d:datetime}', '/x/2027-01-01', { d: '2027-01-01' }],
])('%s takes %s', (template, path, values) => {
  expect(match(template, path)).toEqual(values);
});

test.each([
  ['vms', '/vms/a'],
  ['vms/{id}', '/vms'],
  ['vms/{id:int}', '/vms/a'],
  ['vms/{id:int?}', '/vms/a'],
  ['x/{b:bool}', '/x/yes'],
  ['x/{n:range(1,5)}', '/x/6'],
  ['x/{n:int}', '/x/99999999999'],
  ['x/{s:maxlength(2)}', '/x/abc'],
  ['{name}.{extension}', '/a'],
])('%s refuses %s', (template, path) => {
  expect(match(template, path)).toBeUndefined();
});

test.each(['x/{', 'x/{1a}', 'x/{a:unknown}', 'x/{*a}/b'])('%s is no route', (template) => {
  expect(parseRoute(template)).toEqual({ kind: 'unreadable', reason: expect.stringContaining(template) });
});

test('routes that say more come first', () => {
  const sorted = ['a/{*rest}', 'a/{x}', 'a/{x:int}', 'a/b']
    .map(routeOf)
    .sort((a, b) => (a.precedence < b.precedence ? -1 : 1))
    .map((route) => route.template);
  expect(sorted).toEqual(['a/b', 'a/{x:int}', 'a/{x}', 'a/{*rest}']);
});
