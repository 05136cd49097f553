import { mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { assertSameDisk, makeImage, mib } from '../bytes/images';
import { run } from '../programs';
import { routePair, journalOf, type RoutePair, type SourceProcess } from '../route-pair';
import { pullEnd } from '../route-processes';
import { spreadOf, type Spread } from '../statistics';
import { rsyncThrough } from './rsync-through';
import { startSharingLine } from './sharing-line';

export type LinesResult = {
  readonly dataBytes: number;
  readonly bytesPerSecondEach: number;
  readonly repetitions: number;
  readonly lines: readonly { readonly name: string; readonly seconds: Spread }[];
  readonly missing: readonly string[];
};

const bytesPerSecondEach = 40 * mib;
const dataBytes = 256 * mib;
const streamCounts = [1, 2, 4, 8] as const;

/** Full copies over a line that gives each TCP connection a share: what several streams of one pull make of it. */
export async function benchLines(
  folder: string,
  repetitions: number,
  say: (line: string) => void,
): Promise<LinesResult> {
  const served = join(folder, 'lines');
  await mkdir(served);
  const [image, target] = [join(served, 'disk.vhdx'), join(folder, 'lines-copy.vhdx')];
  await makeImage(image, { kind: 'dynamic', virtualSizeBytes: dataBytes, oneOf: 1 });
  const pair = routePair(folder);
  const source = await pair.source({ path: image });
  const rsync = await rsyncThrough(folder, served, basename(image), bytesPerSecondEach);
  const line = await startSharingLine(source.port, bytesPerSecondEach);
  const copies = [
    ...streamCounts.map((streams) => ({
      name: `byte route, ${streams} ${streams === 1 ? 'stream' : 'streams'}`,
      copy: () => pulled(pair, { ...source, port: line.port }, target, streams),
    })),
    ...(rsync === undefined ? [] : [{ name: 'rsync -W (daemon)', copy: () => rsync.copy(target) }]),
  ];
  const seconds = copies.map((): number[] => []);
  try {
    for (let round = 0; round < repetitions; round++) {
      for (const [at, { name, copy }] of copies.entries()) {
        await rm(target, { force: true });
        await run('sync');
        const took = await copy();
        seconds[at]?.push(took);
        say(`round ${round + 1} of ${repetitions}: ${name} ${took.toFixed(2)} s`);
        await assertSameDisk(image, target);
      }
    }
  } finally {
    await line.close();
    await source.kill();
    await rsync?.stop();
    await rm(served, { recursive: true });
    await rm(target, { force: true });
  }
  const lines = copies.map(({ name }, at) => ({ name, seconds: spreadOf(seconds[at] ?? []) }));
  const missing = rsync === undefined ? ['rsync is not installed'] : [];
  return { dataBytes, bytesPerSecondEach, repetitions, lines, missing };
}

async function pulled(
  pair: RoutePair,
  from: Pick<SourceProcess, 'port' | 'certificateSha256'>,
  path: string,
  streams: number,
): Promise<number> {
  const destination = await pair.destination();
  try {
    const beganMs = performance.now();
    destination.pull({ from, path, streams: { max: streams, bytesEachMin: mib } });
    const { outcome } = await destination.next(pullEnd);
    if (!outcome.ok) throw new Error(`the byte route failed: ${JSON.stringify(outcome)}`);
    return (performance.now() - beganMs) / 1000;
  } finally {
    await destination.kill();
    await rm(journalOf(path), { force: true });
  }
}
