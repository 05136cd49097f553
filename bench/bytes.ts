import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { createVhdx, openVhdx } from '../agent/disks/vhdx';
import { valueOf } from '../agent/disks/failures';
import { outputOf, run } from './programs';
import { startRouteContender, type RouteContender } from './route-contender';
import { startRsyncDaemon, type RsyncDaemon } from './rsync-daemon';
import { spreadOf, type Spread } from './statistics';
import { tableOf } from './table';

const mib = 1024 * 1024;
const gib = 1024 * mib;
const rssBytesMax = 256 * mib;

export type BytesOptions = {
  readonly folder: string;
  readonly sizeBytes: number;
  readonly repetitions: number;
  readonly say: (line: string) => void;
};

type Contender = {
  readonly name: string;
  readonly promises: string;
  /** Copies the image to a file that is not there and answers the seconds it took. */
  readonly copy: (target: string) => Promise<number>;
};

export type BytesResult = {
  readonly sizeBytes: number;
  readonly repetitions: number;
  readonly lines: readonly {
    readonly name: string;
    readonly promises: string;
    readonly seconds: Spread;
    readonly mibPerSecond: number;
    /** Its time by the byte route's time in the same round; above 1 the byte route is faster. */
    readonly byteRouteIsFasterBy: Spread;
  }[];
  readonly missing: readonly string[];
  readonly peakRssBytes: { readonly source: number; readonly destination: number };
};

/**
 * A full copy of a dynamic VHDX of random data: the byte route, which encrypts, checks every block and is durable in the end, against
 * programs that copy the same file and promise less. Rounds in turn, so that what changes on the machine meets all of them.
 */
export async function benchBytes(options: BytesOptions): Promise<BytesResult> {
  const { folder, sizeBytes, repetitions, say } = options;
  await assertRoom(folder, 2 * sizeBytes + gib / 2);
  const image = join(folder, 'served', 'disk.vhdx');
  await mkdir(join(folder, 'served'));
  say(`making a VHDX with ${sizeBytes / mib} MiB of random data`);
  await makeImage(image, sizeBytes);
  const route = await startRouteContender(folder, image);
  const { contenders, missing, daemon } = await startOthers(folder, image);
  try {
    const all = [routeLine(route), ...contenders];
    const seconds = new Map<string, number[]>(all.map(({ name }) => [name, []]));
    for (let round = 0; round < repetitions; round++) {
      // Another one begins each round: whoever follows a copy meets the disk in another state.
      const order = [...all.slice(round % all.length), ...all.slice(0, round % all.length)];
      for (const contender of order) {
        const took = await copyOnce(contender, folder);
        seconds.get(contender.name)?.push(took);
        say(`round ${round + 1} of ${repetitions}: ${contender.name} ${took.toFixed(2)} s`);
      }
    }
    await assertSame(route, image, folder, say);
    const own = seconds.get(routeName) ?? [];
    const lines = all.map(({ name, promises }) => {
      const times = seconds.get(name) ?? [];
      const ratios = times.map((time, round) => time / (own[round] ?? Number.NaN));
      const spread = spreadOf(times);
      const mibPerSecond = sizeBytes / mib / spread.median;
      return { name, promises, seconds: spread, mibPerSecond, byteRouteIsFasterBy: spreadOf(ratios) };
    });
    return { sizeBytes, repetitions, lines, missing, peakRssBytes: await route.peakRssBytes() };
  } finally {
    await route.stop();
    await daemon?.stop();
  }
}

const routeName = 'byte route';
const routeLine = ({ copy }: RouteContender): Contender => ({
  name: routeName,
  promises: 'encrypted, every block checked, durable, resumable',
  copy,
});

async function startOthers(
  folder: string,
  image: string,
): Promise<{ contenders: Contender[]; missing: string[]; daemon?: RsyncDaemon }> {
  const copy = (target: string): Promise<void> => run('cp', '--reflink=never', image, target);
  const contenders: Contender[] = [
    { name: 'cp', promises: 'one machine, nothing durable', copy: timed(copy) },
    {
      name: 'cp and sync',
      promises: 'one machine, durable',
      copy: timed(async (target) => {
        await copy(target);
        await run('sync', target);
      }),
    },
  ];
  const help = outputOf('rsync', '--help');
  if (help === undefined) return { contenders, missing: ['rsync is not installed'] };
  const daemon = await startRsyncDaemon(folder, join(folder, 'served'));
  const rsync = (flags: readonly string[]): Contender['copy'] =>
    timed((target) => run('rsync', '-W', ...flags, `${daemon.url}/disk.vhdx`, target));
  contenders.push({
    name: 'rsync -W (daemon)',
    promises: 'plain, whole-file checksum, nothing durable',
    copy: rsync([]),
  });
  if (!help.includes('--fsync')) return { contenders, missing: ['rsync is too old for --fsync'], daemon };
  contenders.push({
    name: 'rsync -W --fsync (daemon)',
    promises: 'plain, whole-file checksum, durable',
    copy: rsync(['--fsync']),
  });
  return { contenders, missing: [], daemon };
}

const timed =
  (copy: (target: string) => Promise<void>): Contender['copy'] =>
  async (target) => {
    const beganMs = performance.now();
    await copy(target);
    return (performance.now() - beganMs) / 1000;
  };

/** Before it, everything older is written out, so that nobody waits for what another left. */
async function copyOnce({ copy }: Contender, folder: string): Promise<number> {
  const target = join(folder, 'copy.vhdx');
  await rm(target, { force: true });
  await run('sync');
  const seconds = await copy(target);
  await rm(target);
  return seconds;
}

async function makeImage(path: string, sizeBytes: number): Promise<void> {
  const shape = {
    kind: 'dynamic',
    virtualSizeBytes: sizeBytes,
    blockSizeBytes: 32 * mib,
    logicalSectorSizeBytes: 512,
    physicalSectorSizeBytes: 4096,
    virtualDiskId: randomUUID(),
    dataWriteId: randomUUID(),
  } as const;
  const image = valueOf(await createVhdx(path, shape, { tables: 'ordered', dataWriteId: 'kept', newGuid: randomUUID }));
  for (let at = 0; at < sizeBytes; at += 4 * mib) await image.write(randomBytes(4 * mib), at);
  await image.close();
}

/** One more copy, outside of the measurement, read back and compared. */
async function assertSame(
  route: RouteContender,
  image: string,
  folder: string,
  say: (line: string) => void,
): Promise<void> {
  const target = join(folder, 'copy.vhdx');
  await route.copy(target);
  const [source, copy] = [
    valueOf(await openVhdx(image, { access: 'read' })),
    valueOf(await openVhdx(target, { access: 'read' })),
  ];
  const [one, other] = [Buffer.alloc(4 * mib), Buffer.alloc(4 * mib)];
  for (let at = 0; at < source.shape.virtualSizeBytes; at += one.length) {
    await Promise.all([source.read(one, at), copy.read(other, at)]);
    if (!one.equals(other)) throw new Error(`the copy of the byte route differs between ${at} and ${at + one.length}`);
  }
  await Promise.all([source.close(), copy.close()]);
  await rm(target);
  say('the copy of the byte route is the same disk, byte for byte');
}

async function assertRoom(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes) return;
  const amounts = `${(neededBytes / gib).toFixed(1)} GiB are needed, ${(freeBytes / gib).toFixed(1)} GiB are free`;
  throw new Error(`not enough room in ${folder}: ${amounts}. Free some, or name another folder with --folder.`);
}

/** The result for people. */
export function describeBytes({ sizeBytes, repetitions, lines, missing, peakRssBytes }: BytesResult): string {
  const ratio = ({ median, min, max }: Spread): string =>
    `${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})`;
  const table = tableOf(
    ['copy', 'seconds, median (spread)', 'MiB/s', 'its time by ours (spread)', 'promises'],
    lines.map(({ name, promises, seconds, mibPerSecond, byteRouteIsFasterBy }) => [
      name,
      ratio(seconds),
      mibPerSecond.toFixed(0),
      name === routeName ? '1' : ratio(byteRouteIsFasterBy),
      promises,
    ]),
  );
  const memory = (['source', 'destination'] as const).map((end) => {
    const bytes = peakRssBytes[end];
    return `${end} ${(bytes / mib).toFixed(0)} MiB${bytes > rssBytesMax ? `, more than the ${rssBytesMax / mib} MiB it should take` : ''}`;
  });
  return [
    `full copy of a dynamic VHDX, ${sizeBytes / mib} MiB of random data, ${repetitions} rounds; above 1, the byte route is faster`,
    table,
    ...missing.map((what) => `missing: ${what}`),
    `peak memory of the byte route's processes: ${memory.join('; ')}`,
  ].join('\n');
}
