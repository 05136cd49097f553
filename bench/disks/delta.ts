import { randomBytes, randomUUID } from 'node:crypto';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { valueOf } from '../../agent/disks/failures';
import type { ServedChanges } from '../../agent/disks/route/changes';
import { pullOutput } from '../../agent/disks/route/journal-records';
import { openVhdx } from '../../agent/disks/vhdx';
import { assertSameDisk, makeImage } from '../bytes/images';
import { rsyncDelta } from '../bytes/rsync';
import { run } from '../programs';
import { changesSubject, journalOf, routePair, type DestinationProcess, type Pull } from '../route-pair';
import { pullEnd } from '../route-processes';
import { spreadOf, type Spread } from '../statistics';

export type DeltaResult = {
  readonly dataBytes: number;
  readonly changedBytes: number;
  readonly seconds: Spread;
  /** A new copy where nobody knows what changed, and the destination has the older state as a seed. */
  readonly seeded: { readonly seconds: Spread; readonly sentBytes: number };
  /** undefined: rsync is not installed. */
  readonly rsync: PeerOfDelta | undefined;
};

type PeerOfDelta = {
  readonly seconds: Spread;
  readonly byteRouteIsFasterBy: Spread;
  /** It writes in place what differs; a copy with a seed writes all. */
  readonly seedIsFasterBy: Spread;
};

const pieceBytes = 64 * 1024;
/** One byte of so many is in a piece that changed. */
const oneOf = 100;
const rounds = 5;

/**
 * A round of changed blocks into a copy, whose ranges are known, as a host knows them; and a copy of all with the older state as a seed. Both
 * against what rsync finds by reading both sides. The processes stay from round to round, as agents and rsync's daemon do.
 */
export async function benchDelta(folder: string, dataBytes: number, say: (line: string) => void): Promise<DeltaResult> {
  const served = join(folder, 'delta.vhdx');
  const before = join(folder, 'delta-before.vhdx');
  const target = join(folder, 'delta-copy.vhdx');
  await makeImage(served, { kind: 'dynamic', virtualSizeBytes: dataBytes, oneOf: 1 });
  await copyFile(served, before);
  const changes = await changeSome(served, dataBytes);
  const pair = routePair(folder);
  const source = await pair.source({ path: served, changes });
  const wholeSource = await pair.source({ path: served });
  const destination = await pair.destination();
  const rsync = await rsyncDelta(folder, served);
  try {
    const [own, seeded, peer]: [number[], number[], number[]] = [[], [], []];
    let sentBytes = 0;
    for (let round = 0; round < rounds; round++) {
      const asChanges = { from: source, path: target, subject: changesSubject };
      own.push(await onACopy(before, target, async () => (await pulled(destination, asChanges)).seconds));
      if (round === 0) await assertSameDisk(served, target);
      await rm(target);
      const seed = { path: before, roots: [folder] };
      const copied = await pulled(destination, { from: wholeSource, path: target, seed });
      seeded.push(copied.seconds);
      sentBytes = copied.sentBytes;
      if (round === 0) await assertSameDisk(served, target);
      if (rsync !== undefined) peer.push(await onACopy(before, target, () => rsync.update(target)));
      say(
        `round ${round + 1} of ${rounds}: delta ${own.at(-1)?.toFixed(2) ?? ''} s, seed ${seeded.at(-1)?.toFixed(2) ?? ''} s, rsync ${peer.at(-1)?.toFixed(2) ?? 'none'} s`,
      );
    }
    const changedBytes = changes.ranges.length * pieceBytes;
    const timesOf = (ours: readonly number[]): Spread =>
      spreadOf(peer.map((seconds, round) => seconds / (ours[round] ?? Number.NaN)));
    const ofPeer = rsync && {
      seconds: spreadOf(peer),
      byteRouteIsFasterBy: timesOf(own),
      seedIsFasterBy: timesOf(seeded),
    };
    const ofSeed = { seconds: spreadOf(seeded), sentBytes };
    return { dataBytes, changedBytes, seconds: spreadOf(own), seeded: ofSeed, rsync: ofPeer };
  } finally {
    for (const one of [source, wholeSource, destination]) await one.kill();
    await rsync?.stop();
    for (const path of [served, before, target]) await rm(path, { force: true });
  }
}

/** Writes one piece at the same place of every part. */
async function changeSome(path: string, dataBytes: number): Promise<ServedChanges> {
  const writing = { tables: 'ordered', dataWriteId: 'new-at-first-write', newGuid: randomUUID } as const;
  const image = valueOf(await openVhdx(path, { access: 'write', ...writing }));
  const since = { trackingId: 'bench:1', contentId: image.shape.dataWriteId };
  const ranges: [number, number][] = [];
  for (let at = 0; at + pieceBytes <= dataBytes; at += pieceBytes * oneOf) {
    await image.write(randomBytes(pieceBytes), at);
    ranges.push([at, pieceBytes]);
  }
  await image.close();
  const changed = valueOf(await openVhdx(path, { access: 'read' }));
  const until = { trackingId: 'bench:2', contentId: changed.shape.dataWriteId };
  await changed.close();
  return { since, until, ranges };
}

async function onACopy(before: string, target: string, update: () => Promise<number>): Promise<number> {
  await copyFile(before, target);
  await run('sync');
  return update();
}

async function pulled(
  destination: DestinationProcess,
  pull: Pull,
): Promise<{ readonly seconds: number; readonly sentBytes: number }> {
  const beganMs = performance.now();
  destination.pull(pull);
  const { outcome } = await destination.next(pullEnd);
  if (!outcome.ok) throw new Error(`the byte route failed: ${JSON.stringify(outcome)}`);
  const seconds = (performance.now() - beganMs) / 1000;
  await rm(journalOf(pull.path), { force: true });
  return { seconds, sentBytes: pullOutput.parse(outcome['value']).sentBytes };
}
