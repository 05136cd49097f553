import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makePrivateFolder, makeStateFolder } from './private-folder';

let folder = '';
let ran: string[][] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hyperferry-private-'));
  ran = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run = (program: string, args: readonly string[]) => Promise.resolve(ran.push([program, ...args]));
const refused = () => Promise.reject(new Error('icacls failed'));

test('on Windows the folder inherits no rights, and admits the system, administrators and its owner', async () => {
  await makePrivateFolder(join(folder, 'x'), 'win32', run);
  expect(ran).toEqual([
    [
      expect.stringMatching(/icacls\.exe$/) as string,
      join(folder, 'x'),
      '/inheritance:r',
      ...['S-1-5-18', 'S-1-5-32-544', 'S-1-3-4'].flatMap((sid) => ['/grant:r', `*${sid}:(OI)(CI)F`]),
    ],
  ]);
  await expect(makePrivateFolder(join(folder, 'y'), 'win32', refused)).rejects.toThrow('icacls failed');
});

test('a state folder is made private, also where a start before ended between the two steps', async () => {
  const state = join(folder, 'state');
  await expect(makeStateFolder(state, 'win32', refused)).rejects.toThrow('icacls failed');
  await makeStateFolder(state, 'win32', run);
  expect(ran.map(([, path]) => path)).toEqual([state]);
});

test('the rights of a state folder that is in use are left as its administrator made them', async () => {
  writeFileSync(join(folder, 'agent.lock'), '');
  await makeStateFolder(folder, 'win32', run);
  expect(ran).toEqual([]);
});

test('elsewhere the mode of the folder keeps others out', async () => {
  if (process.platform === 'win32') return;
  await makeStateFolder(join(folder, 'a', 'state'));
  expect(statSync(join(folder, 'a', 'state')).mode & 0o077).toBe(0);
});
