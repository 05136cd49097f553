import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pendingRow } from '../engine/instances';
import { seededRandom } from '../testing/random';
import { restore } from './backup';
import { databaseFile } from './database';
import { SqliteStore } from './sqlite';

const root = mkdtempSync(join(tmpdir(), 'runtime-backup-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const module_ = JSON.stringify(join(__dirname, 'backup.js'));
const now = '2026-01-01T00:00:00.000Z';
const backUpScript = (from: string, to: string): string =>
  `const end = require(${module_}).backUp(${JSON.stringify(from)}, ${JSON.stringify(to)}, '${now}'); process.exit(end.kind === 'done' ? 0 : 1);`;
const restoreScript = (from: string, state: string): string =>
  `const end = require(${module_}).restore(${JSON.stringify(from)}, ${JSON.stringify(state)}); process.exit(end.kind === 'done' ? 0 : 1);`;

function put(store: SqliteStore, n: number): void {
  const row = pendingRow({
    instanceId: `i${n}`,
    executionId: 'e',
    name: 'A',
    version: null,
    input: JSON.stringify('y'.repeat(4000)),
    parent: null,
    sourceInstanceId: null,
    nowMs: n,
  });
  store.transaction((tx) => {
    tx.putInstance(row);
    tx.putFact('last', String(n));
  });
}

/** A state as large as it takes for its copy to be caught half-way. */
function largeState(name: string, instances: number): string {
  const folder = join(root, name);
  const store = new SqliteStore(folder);
  for (let n = 0; n < instances; n += 1) put(store, n);
  store.close();
  return folder;
}

/** The numbers of the instances in a state, and the one that its last transaction wrote. */
function contentOf(folder: string): { numbers: number[]; last: number } {
  const store = new SqliteStore(folder);
  const rows = store.read((tx) => tx.listInstances({}, '', 1_000_000));
  const last = Number(store.read((tx) => tx.fact('last')));
  store.close();
  return { numbers: rows.map((row) => Number(row.instanceId.slice(1))).sort((a, b) => a - b), last };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

test('a backup beside a writer is of one moment: every transaction before it, and none after', async () => {
  const state = join(root, 'written');
  const store = new SqliteStore(state);
  let written = 0;
  for (; written < 200; written += 1) put(store, written);
  for (const name of ['one', 'two', 'three']) {
    const acknowledged = written;
    const to = join(root, `${name}.db`);
    const child = spawn(process.execPath, ['-e', backUpScript(state, to)], { stdio: 'inherit' });
    const exit = new Promise<number | null>((done) => child.once('exit', done));
    for (; child.exitCode === null; written += 1) {
      put(store, written);
      if (written % 5 === 0) await sleep(1);
    }
    expect(await exit).toBe(0);
    const fresh = join(root, `from-${name}`);
    expect(restore(to, fresh)).toMatchObject({ kind: 'done' });
    const { numbers, last } = contentOf(fresh);
    expect(numbers).toEqual(upTo(last + 1));
    expect(numbers.length).toBeGreaterThanOrEqual(acknowledged);
  }
  store.close();
});

const killed = async (script: string, delayMs: number): Promise<void> => {
  const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
  const exit = new Promise((done) => child.once('exit', done));
  await sleep(delayMs);
  child.kill('SIGKILL');
  await exit;
};
const kills = 8;
const instances = 1500;

/** Runs a script to its end and returns how long it took, so that kills fall within it on any machine. */
function undisturbedMs(script: string): number {
  const beganMs = Date.now();
  expect(spawnSync(process.execPath, ['-e', script]).status).toBe(0);
  return Date.now() - beganMs;
}

test('a backup that is killed leaves no file of its name, or a whole one, and the next one succeeds', async () => {
  const random = seededRandom(4);
  const state = largeState('to-back-up', instances);
  const wholeMs = undisturbedMs(backUpScript(state, join(root, 'undisturbed.db')));
  for (let kill = 0; kill < kills; kill += 1) {
    const to = join(root, `killed-${kill}.db`);
    await killed(backUpScript(state, to), random() * wholeMs);
    if (!existsSync(to)) expect(spawnSync(process.execPath, ['-e', backUpScript(state, to)]).status).toBe(0);
    const fresh = join(root, `fresh-${kill}`);
    expect(restore(to, fresh)).toMatchObject({ kind: 'done', facts: { instances } });
  }
});

test('a restore that is killed leaves no state, or a whole one, and can be done again', async () => {
  const random = seededRandom(5);
  const from = join(root, 'whole.db');
  const state = largeState('to-restore', instances);
  expect(spawnSync(process.execPath, ['-e', backUpScript(state, from)]).status).toBe(0);
  const wholeMs = undisturbedMs(restoreScript(from, join(root, 'undisturbed')));
  for (let kill = 0; kill < kills; kill += 1) {
    const fresh = join(root, `restored-${kill}`);
    await killed(restoreScript(from, fresh), random() * wholeMs);
    if (!existsSync(join(fresh, databaseFile))) expect(restore(from, fresh)).toMatchObject({ kind: 'done' });
    expect(contentOf(fresh).numbers).toEqual(upTo(instances));
  }
});
