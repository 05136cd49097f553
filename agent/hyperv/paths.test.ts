import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAtOrBelow, resolveBelowRoots } from './paths';

let folder = '';
let root = '';
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'hyperferry-paths-')));
  root = join(folder, 'root');
  await mkdir(join(root, 'inside'), { recursive: true });
  await mkdir(join(folder, 'outside'));
  await mkdir(join(folder, 'root-too'));
  await writeFile(join(root, 'file'), '');
  await symlink(join(folder, 'outside'), join(root, 'leads-out'));
  await symlink(join(root, 'inside'), join(root, 'stays-in'));
  await symlink(join(folder, 'nowhere'), join(root, 'dangling'));
  await symlink(join(root, 'circle'), join(root, 'circle'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const resolved = (text: string) => resolveBelowRoots(text, folder, [root]);

test.each([
  ['the root itself', 'root', ''],
  ['what is there', 'root/inside', 'inside'],
  ['what is not there yet', 'root/inside/a/b', 'inside/a/b'],
  ['dots that stay inside', 'root/inside/../x', 'x'],
  ['a link that stays inside', 'root/stays-in/x', 'inside/x'],
  ['an odd but plain name', 'root/..x', '..x'],
])('%s is allowed', async (_what, text, expected) => {
  expect(await resolved(text)).toEqual({ ok: true, value: join(root, expected) });
});

test.each([
  ['nothing', ''],
  ['the base', '.'],
  ['dots that lead out', 'root/inside/../../outside'],
  ['an absolute path outside', '/etc'],
  ['a sibling whose name begins like the root', 'root-too'],
  ['a link that leads out', 'root/leads-out'],
  ['something below a link that leads out', 'root/leads-out/a/b'],
  ['a link to nowhere', 'root/dangling'],
  ['something below a link to nowhere', 'root/dangling/a'],
  ['a link in a circle', 'root/circle/a'],
  ['a NUL', 'root/in\u0000side'],
  ['a path longer than any', `root/${'x/'.repeat(20_000)}`],
])('%s is PathOutsideRoots', async (_what, text) => {
  expect(await resolved(text)).toMatchObject({ ok: false, failure: { code: 'PathOutsideRoots', effect: 'none' } });
});

test('an absolute path below a root is allowed, and a root that does not exist allows nothing', async () => {
  expect((await resolved(join(root, 'inside'))).ok).toBe(true);
  expect((await resolveBelowRoots(root, folder, [join(folder, 'nowhere')])).ok).toBe(false);
});

test('a folder lies at or below itself, and not below its own child', () => {
  expect(isAtOrBelow('/a/b', '/a/b')).toBe(true);
  expect(isAtOrBelow('/a/b', '/a/b/c')).toBe(true);
  expect(isAtOrBelow('/a/b', '/a')).toBe(false);
  expect(isAtOrBelow('/a/b', '/a/bc')).toBe(false);
});
