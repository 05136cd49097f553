import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { propertyOfThrown } from '../thrown';

export type StackLock = { release(): void };

/**
 * Takes the state folder for this process; undefined when another process has it. The lock is one of the operating system (through
 * SQLite, the only way to one that Node has on every platform), so it ends with its process however that ends.
 */
export function takeLock(home: string): StackLock | undefined {
  const database = new DatabaseSync(join(home, 'lock.db'));
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (thrown) {
    database.close();
    // SQLITE_BUSY is 5: somebody else holds it. Anything else is a fault of the folder.
    if (propertyOfThrown(thrown, 'errcode') === 5) return undefined;
    throw thrown;
  }
  return { release: () => database.close() };
}
