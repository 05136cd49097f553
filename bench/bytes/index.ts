import { mkdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { joined, type Contender, type Field } from './contender';
import { assertSameDisk, gib, makeImage, mib, type ImagePlan } from './images';
import { localCopies, qemuImg } from './local-copies';
import { nbdCopy } from './nbd';
import { measured, type Line } from './rounds';
import { startRouteContender, type RouteContender } from './route-contender';
import { rsyncDaemon, rsyncOverSsh } from './rsync';

export type BytesOptions = {
  readonly folder: string;
  /** Data of each disk. */
  readonly dataBytes: number;
  readonly repetitions: number;
  readonly say: (line: string) => void;
};

export type Comparison = {
  readonly plan: ImagePlan;
  readonly dataBytes: number;
  readonly lines: readonly Line[];
  readonly missing: readonly string[];
  readonly peakRssBytes: { readonly source: number; readonly destination: number };
  /** What the source sent over the wire for one copy, encrypted as it is, by the data of the disk. */
  readonly wireByData: number;
};

export type BytesResult = { readonly repetitions: number; readonly full: Comparison; readonly sparse: Comparison };

/** Of the sparse disk, one part in four holds data. */
const sparseParts = 4;

/**
 * Full copies by the byte route, which encrypts, checks every block and is durable in the end, against programs that copy the same disk
 * and promise less: of a dynamic VHDX full of random data, and of a fixed one of which three quarters hold nothing.
 */
export async function benchBytes(options: BytesOptions): Promise<BytesResult> {
  const { folder, dataBytes, repetitions } = options;
  await assertRoom(folder, (1 + sparseParts) * dataBytes + gib / 2);
  const full = await compare(options, { kind: 'dynamic', virtualSizeBytes: dataBytes, oneOf: 1 }, async (served) => [
    localCopies(join(served, disk)),
    await rsyncDaemon(folder, served, disk),
    await rsyncOverSsh(folder, join(served, disk)),
    nbdCopy(join(served, disk), dataBytes),
    qemuImg(join(served, disk)),
  ]);
  const virtualSizeBytes = sparseParts * dataBytes;
  const sparse = await compare(options, { kind: 'fixed', virtualSizeBytes, oneOf: sparseParts }, async (served) => [
    await rsyncDaemon(folder, served, disk),
  ]);
  return { repetitions, full, sparse };
}

const disk = 'disk.vhdx';

async function compare(
  { folder, dataBytes, repetitions, say }: BytesOptions,
  plan: ImagePlan,
  others: (served: string) => Promise<readonly Field[]>,
): Promise<Comparison> {
  const served = join(folder, 'served');
  const [image, target] = [join(served, disk), join(folder, 'copy.vhdx')];
  await mkdir(served, { recursive: true });
  say(`making a ${plan.kind} VHDX of ${plan.virtualSizeBytes / mib} MiB with ${dataBytes / mib} MiB of random data`);
  await makeImage(image, plan);
  const route = await startRouteContender(folder, image);
  const field = joined(await others(served));
  try {
    const contenders = [routeLine(route), ...field.contenders] as const;
    const lines = await measured({ contenders, target, dataBytes, repetitions, say });
    const wireBytes = await route.wireBytesOfCopy(target);
    await assertSameDisk(image, target);
    say('the copy of the byte route is the same disk, byte for byte');
    const [wireByData, peakRssBytes] = [wireBytes / dataBytes, await route.peakRssBytes()];
    return { plan, dataBytes, lines, missing: field.missing, peakRssBytes, wireByData };
  } finally {
    await route.stop();
    await field.stop();
    await rm(served, { recursive: true });
    await rm(target, { force: true });
  }
}

const routeLine = ({ copy }: RouteContender): Contender => ({
  name: 'byte route',
  promises: 'encrypted, every block checked, durable, resumable',
  copy,
});

async function assertRoom(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes) return;
  const amounts = `${(neededBytes / gib).toFixed(1)} GiB are needed, ${(freeBytes / gib).toFixed(1)} GiB are free`;
  throw new Error(`not enough room in ${folder}: ${amounts}. Free some, or name another folder with --folder.`);
}
