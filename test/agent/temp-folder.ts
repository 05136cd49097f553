import { mkdtemp, realpath, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const memoryFileSystem = '/dev/shm';
const memoryFreeBytesMin = 1024 ** 3;

/** A new folder, in memory where there is room: these tests kill processes and tear files, not power, and need not wait for a disk. */
export async function tempFolder(name: string): Promise<string> {
  const memory = await statfs(memoryFileSystem).catch(() => undefined);
  const roomy = memory !== undefined && memory.bavail * memory.bsize > memoryFreeBytesMin;
  return realpath(await mkdtemp(join(roomy ? memoryFileSystem : tmpdir(), `${name}-`)));
}
