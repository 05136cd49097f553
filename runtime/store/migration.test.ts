import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { backUp, restore } from './backup';
import { databaseFile, schemaVersionOf, StateUnusable } from './database';
import { migrations } from './schema';
import { SqliteStore } from './sqlite';

const root = mkdtempSync(join(tmpdir(), 'runtime-migration-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A state as a program wrote it that knew only the first `version` scripts. */
function stateOfVersion(name: string, version: number): { folder: string; file: string } {
  const folder = join(root, name);
  mkdirSync(folder);
  const file = join(folder, databaseFile);
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL');
  for (const script of migrations.slice(0, version)) database.exec(script);
  database.exec(`PRAGMA user_version = ${version}`);
  database.exec(
    `INSERT INTO instances VALUES ('i1', 'e1', 'Chain', NULL, 'Completed', NULL, 1, 2, NULL, NULL, 0, 0, 0)`,
  );
  database.exec(
    `INSERT INTO activities (instance_id, id, execution_id, task_id, name, input) VALUES ('i2', 7, 'e2', 3, 'Echo', '1')`,
  );
  database.exec(`INSERT INTO payloads VALUES ('i1', 'input', '7'), ('i1', 'output', '"done"')`);
  database.close();
  return { folder, file };
}

const versionOf = (file: string): number => {
  const database = new DatabaseSync(file, { readOnly: true });
  const version = schemaVersionOf(database);
  database.close();
  return version;
};

test.each(migrations.map((_, index) => index + 1))(
  'a state of version %i is brought up to date, with what it holds',
  (version) => {
    const { folder, file } = stateOfVersion(`v${version}`, version);
    expect(versionOf(file)).toBe(version);
    const store = new SqliteStore(folder);
    expect(store.read((tx) => tx.instance('i1'))).toMatchObject({ status: 'Completed', input: '7', output: '"done"' });
    expect(store.read((tx) => tx.endedBefore(3, 9))).toEqual(['i1']);
    expect(store.read((tx) => tx.activity(7))).toMatchObject({ instanceId: 'i2', taskId: 3, name: 'Echo', input: '1' });
    store.close();
    expect(versionOf(file)).toBe(migrations.length);
    // Once more: nothing is left to do.
    new SqliteStore(folder).close();
  },
);

test('what ended long ago is found by its index, not by a walk', () => {
  const { folder, file } = stateOfVersion('plan', 1);
  new SqliteStore(folder).close();
  const database = new DatabaseSync(file);
  const plan = database
    .prepare(
      `EXPLAIN QUERY PLAN SELECT instance_id FROM instances WHERE status IN ('Completed', 'Failed', 'Terminated', 'Canceled')
         AND updated_at_ms < 5 ORDER BY updated_at_ms LIMIT 5`,
    )
    .all();
  database.close();
  expect(JSON.stringify(plan)).toContain('USING INDEX instances_ended');
});

test('a script that fails half-way leaves the version before, whole', () => {
  const { folder, file } = stateOfVersion('halfway', 1);
  const database = new DatabaseSync(file);
  // Something of that name in the way makes the second script fail.
  database.exec('CREATE TABLE instances_ended (x)');
  database.close();
  expect(() => new SqliteStore(folder)).toThrow(StateUnusable);
  expect(versionOf(file)).toBe(1);
  const mended = new DatabaseSync(file);
  mended.exec('DROP TABLE instances_ended');
  mended.close();
  const store = new SqliteStore(folder);
  expect(store.read((tx) => tx.instance('i1'))).toBeDefined();
  store.close();
});

test('a backup of an older version is restored and brought up to date; one of a newer is refused', () => {
  const { folder, file } = stateOfVersion('old', 1);
  const backup = join(root, 'old.db');
  expect(backUp(folder, backup, '2026-01-01T00:00:00.000Z')).toMatchObject({
    kind: 'done',
    facts: { schemaVersion: 1 },
  });
  const fresh = join(root, 'fresh');
  expect(restore(backup, fresh)).toMatchObject({ kind: 'done', facts: { takenAt: '2026-01-01T00:00:00.000Z' } });
  const store = new SqliteStore(fresh);
  expect(store.read((tx) => tx.instance('i1'))).toBeDefined();
  store.close();

  const newer = new DatabaseSync(file);
  newer.exec('PRAGMA user_version = 999');
  newer.close();
  const before = readFileSync(file);
  expect(() => new SqliteStore(folder)).toThrow(/schema version 999.*Use the newer program/);
  expect(readFileSync(file).equals(before)).toBe(true);
  expect(backUp(folder, join(root, 'newer.db'), '2026-01-01T00:00:00.000Z')).toMatchObject({
    kind: 'refused',
    problem: { message: expect.stringContaining('schema version 999'), remedy: 'Use the newer program that wrote it.' },
  });
});
