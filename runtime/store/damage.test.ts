import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { pendingRow } from '../engine/instances';
import { backUp, restore } from './backup';
import { databaseFile, StateUnusable } from './database';
import { SqliteStore } from './sqlite';

const root = mkdtempSync(join(tmpdir(), 'runtime-damage-'));
// Others than its owner must get in: some of these tests run as another account.
chmodSync(root, 0o755);
let folders = 0;
const newFolder = (): string => join(root, String(folders++));
afterAll(() => {
  for (const name of readdirSync(root))
    if (statSync(join(root, name)).isDirectory()) chmodSync(join(root, name), 0o755);
  rmSync(root, { recursive: true, force: true });
});

const instances = 300;
const backUpNow = (from: string, to: string) => backUp(from, to, '2026-01-01T00:00:00.000Z');

/** A state as a process leaves it that was killed: the database and a log that was not yet moved into it. */
function killedState(): string {
  const source = newFolder();
  const store = new SqliteStore(source);
  for (let n = 0; n < instances; n += 1) {
    store.transaction((tx) =>
      tx.putInstance(
        pendingRow({
          instanceId: `i${n}`,
          executionId: 'e',
          name: 'A',
          version: null,
          input: JSON.stringify('y'.repeat(3000)),
          parent: null,
          sourceInstanceId: null,
          nowMs: n,
        }),
      ),
    );
  }
  const killed = newFolder();
  mkdirSync(killed);
  for (const suffix of ['', '-wal']) {
    copyFileSync(join(source, databaseFile + suffix), join(killed, databaseFile + suffix));
  }
  store.close();
  return killed;
}

const contentOf = (folder: string): string[] =>
  ['', '-wal'].map((suffix) => readFileSync(join(folder, databaseFile + suffix)).toString('latin1'));

/** The state is refused with the way back, and its files are what they were. */
function expectRefusedUntouched(folder: string): void {
  const before = contentOf(folder);
  expect(() => new SqliteStore(folder)).toThrow(StateUnusable);
  expect(() => new SqliteStore(folder)).toThrow(
    /was left as it is. Restore a backup into a new folder \(hyperferry host restore\)/,
  );
  expect(contentOf(folder).every((content, index) => content === before[index])).toBe(true);
}

test('a database cut off in its middle is refused, and neither it nor its log is touched', () => {
  const folder = killedState();
  const file = join(folder, databaseFile);
  truncateSync(file, Math.floor(statSync(file).size / 2 / 4096) * 4096);
  // Without the log, which has newer copies of pages.
  writeFileSync(`${file}-wal`, '');
  expectRefusedUntouched(folder);
});

test('a database with pages of rubbish is refused, and neither it nor its log is touched', () => {
  const folder = killedState();
  const file = join(folder, databaseFile);
  const handle = openSync(file, 'r+');
  for (let page = 1; page < 200; page += 1) writeSync(handle, Buffer.alloc(3000, 0x5a), 0, 3000, page * 4096 + 100);
  closeSync(handle);
  expectRefusedUntouched(folder);
});

test('a log cut off anywhere gives an earlier moment, whole: what is there is a beginning of what was written', () => {
  const whole = killedState();
  const log = readFileSync(join(whole, `${databaseFile}-wal`));
  for (const part of [0, 0.1, 0.35, 0.5, 0.77, 0.999]) {
    const folder = newFolder();
    mkdirSync(folder);
    copyFileSync(join(whole, databaseFile), join(folder, databaseFile));
    writeFileSync(join(folder, `${databaseFile}-wal`), log.subarray(0, Math.floor(log.length * part)));
    const store = new SqliteStore(folder);
    const found = store.read((tx) => tx.listInstances({}, '', 1000)).map((row) => Number(row.instanceId.slice(1)));
    expect(found.sort((a, b) => a - b)).toEqual(Array.from({ length: found.length }, (_, n) => n));
    store.close();
  }
});

test('a log of rubbish is as good as none', () => {
  const folder = killedState();
  const log = join(folder, `${databaseFile}-wal`);
  writeFileSync(log, Buffer.alloc(statSync(log).size, 0x5a));
  const store = new SqliteStore(folder);
  expect(store.read((tx) => tx.listInstances({}, '', 1000)).length).toBeLessThanOrEqual(instances);
  store.close();
});

test('a damaged state is not backed up, and leaves no file that looks like a backup', () => {
  const folder = killedState();
  const handle = openSync(join(folder, databaseFile), 'r+');
  for (let page = 1; page < 200; page += 1) writeSync(handle, Buffer.alloc(3000, 0x5a), 0, 3000, page * 4096 + 100);
  closeSync(handle);
  const before = contentOf(folder);
  const to = join(root, 'damaged.db');
  expect(backUpNow(folder, to)).toMatchObject({ kind: 'refused' });
  expect([existsSync(to), existsSync(`${to}.partial`)]).toEqual([false, false]);
  expect(contentOf(folder).every((content, index) => content === before[index])).toBe(true);
});

test('a damaged backup is not restored, and leaves no state', () => {
  const to = join(root, 'whole.db');
  expect(backUpNow(killedState(), to)).toMatchObject({ kind: 'done', facts: { instances } });
  const bytes = readFileSync(to);
  const damaged = join(root, 'torn.db');
  for (const content of [
    bytes.subarray(0, bytes.length / 2),
    Buffer.concat([bytes.subarray(0, 20_000), Buffer.alloc(bytes.length - 20_000)]),
  ]) {
    writeFileSync(damaged, content);
    const folder = newFolder();
    expect(restore(damaged, folder)).toMatchObject({ kind: 'refused', problem: { field: '--from' } });
    expect(readdirSync(folder).filter((name) => name.startsWith(databaseFile))).toEqual([]);
  }
  const plain = new SqliteStore(newFolder());
  plain.close();
});

test('a database that is no backup is not restored', () => {
  const folder = newFolder();
  new SqliteStore(folder).close();
  expect(restore(join(folder, databaseFile), newFolder())).toMatchObject({
    kind: 'refused',
    problem: { field: '--from' },
  });
});

const other = 65_534;
/** Opens a state as an account without rights: this one, or another when this one is root, whom no rights bind. */
function openedWithoutRights(folder: string): { status: number | null; text: string } {
  const script = `
    try { new (require(${JSON.stringify(join(__dirname, 'sqlite.js'))}).SqliteStore)(${JSON.stringify(folder)}); }
    catch (thrown) { console.log(thrown.constructor.name + ': ' + thrown.message); process.exit(9); }`;
  const account = process.getuid?.() === 0 ? { uid: other, gid: other } : {};
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', script], {
    encoding: 'utf8',
    cwd: '/',
    ...account,
  });
  return { status, text: stdout + stderr };
}

const isUnix = process.platform !== 'win32';
(isUnix ? describe : describe.skip)('without the rights', () => {
  test.each<[string, (folder: string) => void]>([
    ['a folder that cannot be written and has no state', (folder) => chmodSync(folder, 0o555)],
    [
      'a folder that cannot be written and has one',
      (folder) => {
        new SqliteStore(folder).close();
        chmodSync(folder, 0o555);
      },
    ],
    [
      'a database that cannot be written',
      (folder) => {
        new SqliteStore(folder).close();
        for (const name of readdirSync(folder)) chmodSync(join(folder, name), name === databaseFile ? 0o444 : 0o666);
        chmodSync(folder, 0o777);
      },
    ],
    ['a folder that cannot be entered', (folder) => chmodSync(folder, 0o000)],
  ])('%s is refused, and the right that is missing is named', (_name, prepare) => {
    const folder = newFolder();
    mkdirSync(folder);
    prepare(folder);
    expect(openedWithoutRights(folder)).toEqual({
      status: 9,
      text: expect.stringMatching(/^StateUnusable: .*Give the account that runs this program the right to write there/),
    });
  });

  test('a folder that cannot be made is refused, and the right that is missing is named', () => {
    const parent = newFolder();
    mkdirSync(parent);
    chmodSync(parent, 0o555);
    expect(openedWithoutRights(join(parent, 'state')).text).toMatch(
      /Give the account that runs this program the right/,
    );
  });
});
