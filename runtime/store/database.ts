import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { describeThrown } from '../../contracts/failure';
import { makePrivateFile } from './files';
import { migrations } from './schema';

/** Why the state cannot be opened, in words for the operator, with the way back. */
export class StateUnusable extends Error {
  constructor(
    readonly what: string,
    readonly remedy: string,
    options?: ErrorOptions,
  ) {
    super(`${what} ${remedy}`, options);
  }
}

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html) that are told apart here. */
export const sqliteCode = {
  busy: 5,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
};

const sqliteError = z.looseObject({ code: z.literal('ERR_SQLITE_ERROR'), errcode: z.int() });

/** The primary result code of an error of node:sqlite; undefined for any other error. */
export function sqliteCodeOf(thrown: unknown): number | undefined {
  const parsed = sqliteError.safeParse(thrown);
  return parsed.success ? parsed.data.errcode & 0xff : undefined;
}

export const databaseFile = 'runtime.db';
const lockFile = 'runtime.lock';
const ownerFile = 'runtime.owner.json';
const owner = z.object({ pid: z.int() });

export type OpenState = { readonly database: DatabaseSync; readonly close: () => void };

/**
 * Opens the state in a folder and keeps it for this process: locks it, checks it, brings its schema up to date.
 * Throws `StateUnusable` when another runtime has it, when it is damaged, newer than this program, or not writable.
 */
export function openState(folder: string): OpenState {
  const lock = takeLock(folder);
  try {
    const database = openDatabase(join(folder, databaseFile));
    return {
      database,
      close: () => {
        database.close();
        lock.close();
      },
    };
  } catch (thrown) {
    lock.close();
    throw unusable(folder, thrown);
  }
}

/** Keeps a state folder for this process without opening the state; throws `StateUnusable` when another runtime has it. */
export const lockState = (folder: string): { close(): void } => takeLock(folder);

/** Reads a database through; what is wrong with it, if anything. */
export function wholeIntegrity(database: DatabaseSync): string | undefined {
  const found = z.object({ integrity_check: z.string() }).parse(database.prepare('PRAGMA integrity_check(1)').get());
  return found.integrity_check === 'ok' ? undefined : found.integrity_check;
}

export const schemaVersionOf = (database: DatabaseSync): number =>
  z.object({ user_version: z.int() }).parse(database.prepare('PRAGMA user_version').get()).user_version;

/** Holds an exclusive SQLite transaction on a file of its own: the operating system lets go of it however the process ends. */
function takeLock(folder: string): DatabaseSync {
  try {
    mkdirSync(folder, { recursive: true });
    const lock = new DatabaseSync(join(folder, lockFile));
    lock.exec('PRAGMA busy_timeout = 0');
    lock.exec('BEGIN EXCLUSIVE');
    writeFileSync(join(folder, ownerFile), JSON.stringify({ pid: process.pid }));
    return lock;
  } catch (thrown) {
    if (sqliteCodeOf(thrown) === sqliteCode.busy) {
      throw new StateUnusable(
        `Another runtime${ownerText(folder)} works on ${folder}.`,
        'Stop it first, or give this one a folder of its own with --state.',
        { cause: thrown },
      );
    }
    throw unusable(folder, thrown);
  }
}

function ownerText(folder: string): string {
  try {
    return ` (process ${owner.parse(JSON.parse(readFileSync(join(folder, ownerFile), 'utf8'))).pid})`;
  } catch {
    return '';
  }
}

function openDatabase(path: string): DatabaseSync {
  if (existsSync(path)) check(path);
  // What orchestrations are given may be secret. SQLite makes the log with the rights of its database.
  else makePrivateFile(path);
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF;');
    migrate(database);
    // A file that may only be read is opened all the same, and would say so at the first start that it is asked for.
    database.exec('BEGIN; DELETE FROM facts WHERE 0; ROLLBACK');
    return database;
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

/** Refuses what is damaged or newer before anything may write: a connection that may would move the log into the file at its end. */
function check(path: string): void {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const found = z.object({ quick_check: z.string() }).parse(database.prepare('PRAGMA quick_check(1)').get());
    if (found.quick_check !== 'ok') throw new Damaged(found.quick_check);
    const version = schemaVersionOf(database);
    if (version > migrations.length) {
      throw new TooNew(`it has schema version ${version}, this program knows ${migrations.length}`);
    }
  } finally {
    database.close();
  }
}

class Damaged extends Error {}
class TooNew extends Error {}

function migrate(database: DatabaseSync): void {
  const version = schemaVersionOf(database);
  for (const [index, script] of migrations.entries()) {
    if (index < version) continue;
    database.exec(`BEGIN IMMEDIATE; ${script}; PRAGMA user_version = ${index + 1}; COMMIT;`);
  }
}

const newFolder = 'or start with a new --state folder (running orchestrations are then forgotten)';

/** What to do about a damaged database. */
export const damagedWayBack = `The file ${databaseFile} was left as it is. Restore a backup into a new folder (hyperferry host restore), ${newFolder}.`;

/** The error for whatever keeps the state from being opened, with what to do about it. */
export function unusable(folder: string, thrown: unknown): StateUnusable {
  if (thrown instanceof StateUnusable) return thrown;
  const verb = thrown instanceof Damaged ? 'is damaged' : 'cannot be used';
  const what = `The state in ${folder} ${verb}: ${describeThrown(thrown).replaceAll('\n', ' ')}.`;
  return new StateUnusable(what, wayBack(thrown), { cause: thrown });
}

const rightsWayBack =
  'Give the account that runs this program the right to write there, or name another folder with --state.';

const systemError = z.looseObject({ code: z.string() });

function isRefusedByRights(thrown: unknown): boolean {
  const parsed = systemError.safeParse(thrown);
  return parsed.success && ['EACCES', 'EPERM', 'EROFS'].includes(parsed.data.code);
}

function wayBack(thrown: unknown): string {
  if (thrown instanceof TooNew) return 'Use the newer program that wrote it.';
  if (thrown instanceof Damaged) return damagedWayBack;
  if (isRefusedByRights(thrown)) return rightsWayBack;
  switch (sqliteCodeOf(thrown)) {
    case sqliteCode.corrupt:
    case sqliteCode.notADatabase:
      return damagedWayBack;
    case sqliteCode.readOnly:
    case sqliteCode.cannotOpen:
      return rightsWayBack;
    case sqliteCode.full:
    case sqliteCode.ioError:
      return 'The disk is full or fails: make room and start again. The state was left as it is.';
    case undefined:
    default:
      return `Check that the folder can be read and written, ${newFolder}.`;
  }
}
