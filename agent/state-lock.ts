import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** The file by which an agent has its state folder. Whoever removes it lets a second agent in. */
export const stateLockFile = (folder: string): string => join(folder, 'lock.db');

/** SQLITE_BUSY: another process has the lock. */
const busy = 5;

const sqliteCodeOf = (thrown: unknown): unknown =>
  typeof thrown === 'object' && thrown !== null && 'errcode' in thrown ? thrown.errcode : undefined;

export type StateLock = { readonly release: () => void };

/**
 * Takes the state folder for this process; undefined when another process has it. It is a lock of the operating system, which goes with
 * its process however that ends; SQLite is the one way to such a lock that Node has on Windows and Linux. Throws when the folder cannot
 * be written.
 */
export function takeStateLock(folder: string): StateLock | undefined {
  const database = new DatabaseSync(stateLockFile(folder));
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return { release: () => database.close() };
  } catch (thrown) {
    database.close();
    if (sqliteCodeOf(thrown) === busy) return undefined;
    throw thrown;
  }
}
