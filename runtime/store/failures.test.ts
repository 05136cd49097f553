import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  openSync,
  writeSync,
  closeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { EngineClient } from '../engine/client';
import { realClock, VirtualClock } from '../engine/clock';
import { GroupCommitter, PatientCommitter } from '../engine/commit';
import { StoreUnavailable } from '../engine/store';
import { DurableApi } from '../http/durable-api';
import { databaseFile, StateUnusable } from './database';
import { MemoryStore } from './memory';
import { SqliteStore } from './sqlite';

const root = mkdtempSync(join(tmpdir(), 'runtime-failures-'));
let folders = 0;
const newFolder = (): string => join(root, String(folders++));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const clientOf = (store: SqliteStore, committer: GroupCommitter): EngineClient =>
  new EngineClient({
    store,
    committer,
    clock: realClock,
    newId: () => crypto.randomUUID(),
    onWork: () => undefined,
  });

const largeInput = JSON.stringify('x'.repeat(200_000));

test('a full disk refuses what it cannot keep, keeps what it acknowledged, and goes on when there is room', async () => {
  const folder = newFolder();
  const store = new SqliteStore(folder, { pagesMax: 120 });
  const client = clientOf(store, new GroupCommitter(store));
  await client.start({ name: 'A', instanceId: 'kept', input: '1' });
  await expect(
    client.start({ name: 'A', instanceId: 'refused', input: largeInput.repeat(2).replace('""', '') }),
  ).rejects.toThrow(StoreUnavailable);
  expect(client.instance('kept')).toBeDefined();
  expect(client.instance('refused')).toBeUndefined();
  await client.start({ name: 'A', instanceId: 'small', input: '2' });
  store.close();
  const roomier = new SqliteStore(folder);
  const again = clientOf(roomier, new GroupCommitter(roomier));
  expect(await again.start({ name: 'A', instanceId: 'refused', input: largeInput })).toMatchObject({ kind: 'started' });
  expect(again.list({}, '', 10).rows.map((row) => row.instanceId)).toEqual(['kept', 'refused', 'small']);
  roomier.close();
});

test('the management API answers 503 while the disk is full', async () => {
  const store = new SqliteStore(newFolder(), { pagesMax: 60 });
  const api = new DurableApi({
    client: clientOf(store, new GroupCommitter(store)),
    invoker: { kindOf: () => 'orchestrator', namesOf: () => [], invoke: () => Promise.resolve({ kind: 'stopped' }) },
    clock: realClock,
    links: { origin: 'http://a', rpcOrigin: 'http://b', hubName: 'Hub', systemKey: 'key' },
    defaultVersion: undefined,
    whenEnded: () => Promise.resolve(),
  });
  const url = new URL('http://127.0.0.1/');
  const start = { method: 'POST', segments: ['orchestrators', 'A'], query: url.searchParams, url, headers: {} };
  expect(await api.handle({ ...start, body: largeInput })).toMatchObject({
    status: 503,
    headers: { 'retry-after': '5' },
  });
  expect(await api.handle({ ...start, body: '1' })).toMatchObject({ status: 202 });
  store.close();
});

test('work with nobody to be refused to waits until the store takes writes again', async () => {
  const clock = new VirtualClock(0);
  const waits: string[] = [];
  let failures = 2;
  const inner = {
    commit: async <T>(work: (tx: MemoryStore) => T): Promise<T> => {
      if (failures-- > 0) throw new StoreUnavailable('full');
      return work(new MemoryStore());
    },
  };
  const patient = new PatientCommitter(inner, clock, (reason) => waits.push(reason));
  const done = patient.commit(() => 'written');
  for (let second = 0; second < 3; second += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.moveTo(clock.now() + 1000);
  }
  expect(await done).toBe('written');
  expect(waits).toEqual(['full', 'full']);
});

test('commits of one moment share a transaction, and the fault of one is not that of the others', async () => {
  const store = new MemoryStore();
  let transactions = 0;
  const transaction = store.transaction.bind(store);
  store.transaction = (work) => {
    transactions += 1;
    return transaction(work);
  };
  const committer = new GroupCommitter(store);
  expect(await Promise.all([1, 2, 3].map((n) => committer.commit((tx) => (tx.putFact(`f${n}`, ''), n))))).toEqual([
    1, 2, 3,
  ]);
  expect(transactions).toBe(1);
  const mixed = await Promise.allSettled([
    committer.commit((tx) => tx.putFact('good', 'v')),
    committer.commit(() => {
      throw new Error('at fault');
    }),
  ]);
  expect(mixed.map((result) => result.status)).toEqual(['fulfilled', 'rejected']);
  expect(store.fact('good')).toBe('v');
});

/** A state with some hundred instances, closed. */
async function filledFolder(): Promise<string> {
  const folder = newFolder();
  const store = new SqliteStore(folder);
  const client = clientOf(store, new GroupCommitter(store));
  await Promise.all(
    Array.from({ length: 200 }, (_, n) =>
      client.start({ name: 'A', instanceId: `i${n}`, input: `"${'y'.repeat(900)}"` }),
    ),
  );
  store.close();
  return folder;
}

test('a damaged page is found at the start, and the file is left as it is', async () => {
  const folder = await filledFolder();
  const file = join(folder, databaseFile);
  const handle = openSync(file, 'r+');
  for (let page = 6; page < 40; page += 1) writeSync(handle, Buffer.alloc(2000, 0x5a), 0, 2000, page * 4096 + 100);
  closeSync(handle);
  const before = readFileSync(file);
  expect(() => new SqliteStore(folder)).toThrow(StateUnusable);
  expect(() => new SqliteStore(folder)).toThrow(/damaged|malformed/);
  expect(() => new SqliteStore(folder)).toThrow(/Restore a backup into a new folder/);
  expect(readFileSync(file).equals(before)).toBe(true);
});

test('a torn write-ahead log costs only what was never acknowledged', () => {
  const folder = newFolder();
  mkdirSync(folder);
  const path = join(folder, databaseFile);
  new SqliteStore(folder).close();
  // A process that dies leaves its log: the connection here is simply never closed before the files are copied.
  const database = new DatabaseSync(path);
  database.exec('PRAGMA wal_autocheckpoint = 0');
  const insert = database.prepare('INSERT INTO facts (name, text) VALUES (?, ?)');
  const sizes: number[] = [];
  for (let n = 0; n < 20; n += 1) {
    insert.run(`f${n}`, 'x'.repeat(3000));
    sizes.push(statSync(`${path}-wal`).size);
  }
  const crashed = newFolder();
  mkdirSync(crashed);
  for (const suffix of ['', '-wal'])
    writeFileSync(join(crashed, `${databaseFile}${suffix}`), readFileSync(path + suffix));
  database.close();
  truncateSync(join(crashed, `${databaseFile}-wal`), sizes[9]! + 1000);
  const store = new SqliteStore(crashed);
  expect([store.fact('f9')?.length, store.fact('f10')]).toEqual([3000, undefined]);
  store.close();
});

test('a state of a newer program, and a folder that cannot be written, are refused with the way back', () => {
  const newer = newFolder();
  new SqliteStore(newer).close();
  const database = new DatabaseSync(join(newer, databaseFile));
  database.exec('PRAGMA user_version = 999');
  database.close();
  expect(() => new SqliteStore(newer)).toThrow(/schema version 999.*Use the newer program/);
  const file = join(root, 'a-file');
  writeFileSync(file, '');
  expect(() => new SqliteStore(join(file, 'state'))).toThrow(StateUnusable);
});

(process.platform === 'win32' ? test.skip : test)('only its owner may read the state and its log', () => {
  const folder = newFolder();
  const store = new SqliteStore(folder);
  const modes = ['', '-wal', '-shm'].map((end) => statSync(join(folder, `${databaseFile}${end}`)).mode & 0o777);
  store.close();
  expect(modes).toEqual([0o600, 0o600, 0o600]);
});

test('two stores on one folder: the second is refused until the first is closed', () => {
  const folder = newFolder();
  const first = new SqliteStore(folder);
  expect(() => new SqliteStore(folder)).toThrow(/Another runtime \(process \d+\) works on/);
  first.close();
  new SqliteStore(folder).close();
});
