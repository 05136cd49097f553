import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { describeThrown } from '../../contracts/failure';
import { keysFile } from './layout';
import { databaseFile, lockState, schemaVersionOf, StateUnusable, wholeIntegrity } from './database';
import { copyPrivately, makePrivateFile, publish } from './files';
import { migrations } from './schema';

/** What a backup holds. */
export type BackupFacts = {
  /** ISO 8601, UTC. */
  readonly takenAt: string;
  readonly schemaVersion: number;
  readonly instances: number;
  readonly bytes: number;
  readonly hasKeys: boolean;
};

/** Why a backup could not be taken or put back; nothing was changed. */
export type BackupProblem = {
  readonly field: '--state' | '--to' | '--from';
  readonly message: string;
  readonly remedy: string;
};
export type BackupEnd =
  | { readonly kind: 'done'; readonly facts: BackupFacts }
  | { readonly kind: 'refused'; readonly problem: BackupProblem };

class Refused extends Error {
  constructor(readonly problem: BackupProblem) {
    super(problem.message);
  }
}
const refuse = (field: BackupProblem['field'], message: string, remedy: string): never => {
  throw new Refused({ field, message, remedy });
};

function ended(work: () => BackupFacts): BackupEnd {
  try {
    return { kind: 'done', facts: work() };
  } catch (thrown) {
    if (thrown instanceof Refused) return { kind: 'refused', problem: thrown.problem };
    throw thrown;
  }
}

/**
 * Copies the state in a folder to one file, whether a runtime works on it or not: everything that was acknowledged before is in it.
 * The keys of `keys.json` go along. A file that exists is not overwritten; a copy that fails its check is removed. `now` is ISO 8601.
 */
export const backUp = (stateFolder: string, toFile: string, now: string): BackupEnd =>
  ended(() => {
    const source = join(stateFolder, databaseFile);
    if (!existsSync(source)) {
      refuse('--state', `${stateFolder} has no ${databaseFile}`, "Name the state folder that the host's log names.");
    }
    if (existsSync(toFile)) refuse('--to', `${toFile} exists`, 'Name a file that does not exist yet.');
    const partial = `${toFile}.partial`;
    try {
      makePartial(source, partial);
      writeExtras(partial, now, keysIn(stateFolder));
      const facts = checked(partial, '--state', 'The state is damaged: put an older backup back into a new folder.');
      publish(partial, toFile);
      return facts;
    } catch (thrown) {
      rmSync(partial, { force: true });
      if (thrown instanceof Refused) throw thrown;
      return refuse(
        '--to',
        `the copy failed: ${describeThrown(thrown)}`,
        'See that there is room and that it can be written.',
      );
    }
  });

function makePartial(source: string, partial: string): void {
  rmSync(partial, { force: true });
  makePrivateFile(partial);
  // One that may write would move the log into the file at its end, of a damaged state too.
  const database = new DatabaseSync(source, { readOnly: true });
  try {
    database.exec('PRAGMA busy_timeout = 10000');
    // One read transaction: writers go on meanwhile, and the copy is of one moment.
    database.prepare('VACUUM INTO ?').run(partial);
  } finally {
    database.close();
  }
}

function keysIn(stateFolder: string): string | undefined {
  const path = join(stateFolder, keysFile);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function writeExtras(path: string, takenAt: string, keys: string | undefined): void {
  const database = new DatabaseSync(path);
  try {
    database.exec('CREATE TABLE backup (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID, STRICT');
    const insert = database.prepare('INSERT INTO backup (name, text) VALUES (?, ?)');
    insert.run('takenAt', takenAt);
    if (keys !== undefined) insert.run('keys', keys);
  } finally {
    database.close();
  }
}

const named = z.object({ text: z.string() });
const counted = z.object({ count: z.int() });

function extraOf(database: DatabaseSync, name: string): string | undefined {
  const row = database.prepare('SELECT text FROM backup WHERE name = ?').get(name);
  return row === undefined ? undefined : named.parse(row).text;
}

/** Reads a backup through; refuses one that is damaged, is none, or is of a newer program. */
function checked(path: string, field: BackupProblem['field'], remedy: string): BackupFacts {
  try {
    const database = new DatabaseSync(path);
    try {
      const damage = wholeIntegrity(database);
      if (damage !== undefined) refuse(field, `the copy is damaged: ${damage}`, remedy);
      const schemaVersion = schemaVersionOf(database);
      if (schemaVersion > migrations.length) {
        const what = `it has schema version ${schemaVersion}, this program knows ${migrations.length}`;
        refuse(field, what, 'Use the newer program that wrote it.');
      }
      const instances = counted.parse(database.prepare('SELECT count(*) AS count FROM instances').get()).count;
      const takenAt = extraOf(database, 'takenAt') ?? refuse(field, 'it is no backup', remedy);
      const hasKeys = extraOf(database, 'keys') !== undefined;
      return { takenAt, schemaVersion, instances, bytes: statSync(path).size, hasKeys };
    } finally {
      database.close();
    }
  } catch (thrown) {
    if (thrown instanceof Refused) throw thrown;
    return refuse(field, `it cannot be read: ${describeThrown(thrown)}`, remedy);
  }
}

/**
 * Makes the state of a folder from a backup. The folder must have no state, and no runtime may work on it. The backup is read through
 * before the state gets its name; `runtime.db` is then there whole, or not at all.
 */
export const restore = (fromFile: string, stateFolder: string): BackupEnd =>
  ended(() => {
    if (!existsSync(fromFile)) refuse('--from', `there is no ${fromFile}`, 'Name a file that "host backup" made.');
    const lock = locked(stateFolder);
    try {
      return restoreInto(fromFile, stateFolder);
    } finally {
      lock.close();
    }
  });

function locked(stateFolder: string): { close(): void } {
  try {
    mkdirSync(stateFolder, { recursive: true });
    return lockState(stateFolder);
  } catch (thrown) {
    if (thrown instanceof StateUnusable) return refuse('--state', thrown.what, thrown.remedy);
    return refuse('--state', `it cannot be used: ${describeThrown(thrown)}`, 'Name a folder that can be written.');
  }
}

function restoreInto(fromFile: string, stateFolder: string): BackupFacts {
  const target = join(stateFolder, databaseFile);
  // A log of another database would be taken for the restored one's.
  const standing = ['', '-wal', '-shm', '-journal'].map((suffix) => target + suffix).filter((path) => existsSync(path));
  const [first] = standing;
  if (first !== undefined) {
    refuse('--state', `${first} exists`, 'Name a new folder, or move what stands there out of the way.');
  }
  const partial = `${target}.partial`;
  rmSync(partial, { force: true });
  try {
    copyPrivately(fromFile, partial);
    const facts = checked(partial, '--from', 'Name a file that "host backup" made, whole and unchanged.');
    const keys = takeExtras(partial);
    const keysPath = join(stateFolder, keysFile);
    // Keys that stand there are in use: they stay.
    if (keys !== undefined && !existsSync(keysPath)) writeFileSync(keysPath, keys, { mode: 0o600, flag: 'wx' });
    publish(partial, target);
    return facts;
  } catch (thrown) {
    rmSync(partial, { force: true });
    if (thrown instanceof Refused) throw thrown;
    return refuse(
      '--state',
      `the copy failed: ${describeThrown(thrown)}`,
      'See that there is room and that it can be written.',
    );
  }
}

/** Takes out what only a backup has, and returns the keys. */
function takeExtras(path: string): string | undefined {
  const database = new DatabaseSync(path);
  try {
    const keys = extraOf(database, 'keys');
    database.exec('DROP TABLE backup');
    return keys;
  } finally {
    database.close();
  }
}
