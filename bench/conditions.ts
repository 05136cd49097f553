import { readFile, realpath } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { basename } from 'node:path';

/** What a number depends on and is worth nothing without. */
export type Conditions = {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  /** Where the copies are made: file system, device, whether it turns. */
  readonly disk: string;
  /** Programs that wanted to run at the beginning, on average over a minute. More than the cores: the numbers are of a busy machine. */
  readonly loadAverage: number;
};

export async function conditionsOf(folder: string): Promise<Conditions> {
  const [first] = cpus();
  return {
    processor: first?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    disk: await diskOf(folder),
    loadAverage: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}

/** From /proc/mounts and /sys/block, where there are such. */
async function diskOf(folder: string): Promise<string> {
  const [mounts, path] = [await readIfThere('/proc/mounts'), await realpath(folder)];
  const mount = mounts
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, point]) => point !== undefined && `${path}/`.startsWith(point === '/' ? '/' : `${point}/`))
    .sort(([, one = ''], [, other = '']) => other.length - one.length)[0];
  if (mount === undefined) return 'unknown';
  const [device = 'unknown', , fileSystem = 'unknown'] = mount;
  const turns = await readIfThere(`/sys/block/${basename(device).replace(/p?\d+$/, '')}/queue/rotational`);
  const kind = turns.startsWith('0') ? ', not rotational' : turns.startsWith('1') ? ', rotational' : '';
  return `${fileSystem} on ${device}${kind}`;
}

const readIfThere = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
