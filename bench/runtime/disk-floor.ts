import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { spreadOf, type Spread } from '../statistics';

/** What the disk gives: nothing that waits for it once a step can be quicker. */
export type DiskFloor = {
  /** Milliseconds of a write of 4 KiB at the end of a file and its fdatasync. */
  readonly syncMs: Spread;
  /** Milliseconds of a transaction of node:sqlite that inserts one row of 300 characters; WAL, full sync. */
  readonly commitMs: Spread;
  readonly commitsPerSecond: number;
};

const syncs = 500;
const commits = 1000;

export function measureDisk(folder: string): DiskFloor {
  const commitTimes = timesOfCommits(join(folder, 'floor.db'));
  return {
    syncMs: spreadOf(timesOfSyncs(join(folder, 'floor.bin'))),
    commitMs: spreadOf(commitTimes),
    commitsPerSecond: (1000 * commits) / commitTimes.reduce((sum, ms) => sum + ms, 0),
  };
}

function timesOfSyncs(path: string): number[] {
  const file = openSync(path, 'w');
  const block = Buffer.alloc(4096, 1);
  const times = Array.from({ length: syncs }, (_, n) =>
    timed(() => {
      writeSync(file, block, 0, block.length, n * block.length);
      fdatasyncSync(file);
    }),
  );
  closeSync(file);
  return times;
}

function timesOfCommits(path: string): number[] {
  const database = new DatabaseSync(path);
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)',
  );
  const insert = database.prepare('INSERT INTO t (text) VALUES (?)');
  const text = 'x'.repeat(300);
  const times = Array.from({ length: commits }, () =>
    timed(() => {
      database.exec('BEGIN IMMEDIATE');
      insert.run(text);
      database.exec('COMMIT');
    }),
  );
  database.close();
  return times;
}

function timed(work: () => void): number {
  const beganMs = performance.now();
  work();
  return performance.now() - beganMs;
}
