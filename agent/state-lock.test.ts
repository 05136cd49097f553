import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeStateLock } from './state-lock';

describe('state lock', () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'state-lock-'))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** What another process gets; it is killed while it has the lock. */
  const takenElsewhere = (): string => {
    const script = `const { takeStateLock } = require(${JSON.stringify(join(__dirname, 'state-lock.js'))});
      console.log(takeStateLock(${JSON.stringify(folder)}) === undefined ? 'refused' : 'taken');
      process.kill(process.pid, 'SIGKILL');`;
    return spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' }).stdout.trim();
  };

  test('one process has it, until it gives it back or is killed', () => {
    expect(takenElsewhere()).toBe('taken');
    const lock = takeStateLock(folder);
    expect(lock).toBeDefined();
    expect(takenElsewhere()).toBe('refused');
    expect(takeStateLock(folder)).toBeUndefined();
    lock?.release();
    expect(takenElsewhere()).toBe('taken');
  });

  test('a folder that cannot be written is no lock that somebody else has', () => {
    expect(() => takeStateLock(join(folder, 'nothing-here'))).toThrow('unable to open');
  });
});
