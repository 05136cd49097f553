import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasQemu, run } from '../../agent/disks/testing/foreign-tools';
import { valueOf } from '../../agent/disks/failures';
import { systemClock } from '../../agent/clock';
import { decodeJournal, pullOutput } from '../../agent/disks/route/journal-records';
import { windowBytesMax } from '../../agent/disks/route/limits';
import { startCuttingProxy } from '../../agent/disks/route/testing/cutting-proxy';
import {
  appPublicKeyBase64,
  destinationHost,
  fileSubject,
  imageSubject,
  makeHosts,
  mib,
  run as runOfMove,
  sourceHost,
  ticketFor,
  type Hosts,
} from '../../agent/disks/route/testing/hosts';
import { makeImage, shapeOf, vhdShapeOf } from '../../agent/disks/route/testing/images';
import { seededBytes, seededRandom } from '../../agent/disks/route/testing/random';
import {
  destinationReady,
  pullEnd,
  sourceReady,
  startRouteProcess,
  type RouteProcess,
} from '../../bench/route-processes';
import { resentBytesMax } from '../../contracts/limits';
import type { SeedPlace } from '../../agent/disks/route/seed/seed';
import type { PullSubject } from '../../contracts/operations';
import { openImageAs, type ImageFormat } from '../../agent/disks/open-image';

/**
 * Both ends as processes of their own, killed at seeded moments in the middle of a copy. What counts as sent twice is measured twice: by the
 * journal, and by a line between the two that counts what passes.
 */
const sizeBytes = 48 * mib;
const content = seededBytes(sizeBytes, 123);

let hosts: Hosts;
/** Of what is copied. */
let format: ImageFormat;
const processes: RouteProcess[] = [];
beforeEach(async () => {
  hosts = await makeHosts();
});
afterEach(async () => {
  for (const one of processes.splice(0)) await one.kill();
  await hosts.remove();
});

async function startSource(path: string, port: number): Promise<{ source: RouteProcess; port: number }> {
  const folder = join(hosts.folder, 'source');
  const source = startRouteProcess('route-source', { hostId: sourceHost, folder, path, appPublicKeyBase64, port });
  processes.push(source);
  return { source, port: (await source.next(sourceReady)).port };
}

type Transfer = {
  readonly subject: PullSubject;
  readonly port: number;
  readonly rate: number | null;
  readonly ledger: number;
  readonly seed?: SeedPlace | undefined;
};

async function startPull({ subject, port, rate, ledger, seed }: Transfer): Promise<RouteProcess> {
  const folder = join(hosts.folder, 'destination');
  const destination = startRouteProcess('route-destination', { hostId: destinationHost, folder });
  processes.push(destination);
  await destination.next(destinationReady);
  destination.tell({
    runId: runOfMove,
    subject,
    ticket: ticketFor(hosts, subject),
    peer: { address: '127.0.0.1', port, certificateSha256: hosts.source.sha256 },
    path: join(hosts.folder, 'copy'),
    journalPath: join(hosts.folder, 'copy.journal'),
    bandwidthBytesPerSecondMax: rate,
    ledgerWatermarkBytes: ledger,
    seed,
  });
  return destination;
}

/**
 * The watermark that the journal holds, having made sure that the copy bears it out. A destination that lives may be in the middle of making
 * the image longer, which no other process can read whole: it is looked at when it is dead.
 */
async function checkedWatermark(subject: PullSubject, destinationIs: 'alive' | 'dead'): Promise<number> {
  const file = await readFile(join(hosts.folder, 'copy.journal')).catch(() => Buffer.alloc(0));
  const decoded = decodeJournal(file);
  if (!decoded.ok) throw new Error(decoded.reason);
  const marks = decoded.records.map((record) => (record.record === 'mark' ? record.watermarkBytes : 0));
  const watermark = Math.max(0, ...marks);
  if (watermark > 0 && destinationIs === 'dead')
    expect((await copied(subject, watermark)).equals(content.subarray(0, watermark))).toBe(true);
  return watermark;
}

async function copied(subject: PullSubject, lengthBytes: number): Promise<Buffer> {
  const path = join(hosts.folder, 'copy');
  if (subject.type === 'file') return (await readFile(path)).subarray(0, lengthBytes);
  const image = valueOf(await openImageAs(format, path, { access: 'read' }));
  const bytes = Buffer.alloc(lengthBytes);
  await image.read(bytes, 0);
  await image.close();
  return bytes;
}

/** What qemu-img says of the copy and its source. */
function comparedByQemu(sourcePath: string): string {
  const name = format === 'vhd' ? 'vpc' : 'vhdx';
  return run('qemu-img', 'compare', '-f', name, '-F', name, sourcePath, join(hosts.folder, 'copy'));
}

/** Lets the transfer come some way past where it was, the way depending on the seed. */
async function untilSomewhere(from: number, random: () => number): Promise<void> {
  const journalPath = join(hosts.folder, 'copy.journal');
  const goal = from + random() * 10 * mib;
  for (let looks = 0; looks < 400; looks++) {
    const decoded = decodeJournal(await readFile(journalPath).catch(() => Buffer.alloc(0)));
    const sent = decoded.ok
      ? decoded.records.map((record) => (record.record === 'mark' ? record.watermarkBytes : 0))
      : [];
    if (Math.max(0, ...sent) >= goal) break;
    await systemClock.sleep(5);
  }
  await systemClock.sleep(random() * 60);
}

/** A disk that has every second mebibyte of the content, and other bytes between. */
async function makeSeed(): Promise<SeedPlace> {
  const path = join(hosts.folder, 'seed.vhdx');
  const bytes = Buffer.from(content);
  for (let at = 0; at < bytes.length; at += 2 * mib) seededBytes(mib, at + 7).copy(bytes, at);
  await makeImage(path, shapeOf({ virtualSizeBytes: sizeBytes }), [{ offsetBytes: 0, data: bytes }]);
  return { path, roots: [hosts.folder] };
}

test.each([
  ['an image', imageSubject, 1, 'no seed', shapeOf({ virtualSizeBytes: sizeBytes })],
  ['a plain file', fileSubject, 2, 'no seed', undefined],
  ['an image with a seed', imageSubject, 3, 'a seed', shapeOf({ virtualSizeBytes: sizeBytes })],
  ['a dynamic VHD', imageSubject, 4, 'no seed', vhdShapeOf({ virtualSizeBytes: sizeBytes })],
  ['a fixed VHD', imageSubject, 5, 'no seed', vhdShapeOf({ virtualSizeBytes: sizeBytes, kind: 'fixed' })],
] as const)(
  '%s is copied whole although both ends are killed in the middle (%#)',
  async (what, subject, chance, has, shape) => {
    format = what.endsWith('VHD') ? 'vhd' : 'vhdx';
    const random = seededRandom(chance);
    const seed = has === 'a seed' ? await makeSeed() : undefined;
    const sentBytes = seed === undefined ? sizeBytes : sizeBytes / 2;
    const sourcePath = join(hosts.folder, `source.${format}`);
    if (shape !== undefined) await makeImage(sourcePath, shape, [{ offsetBytes: 0, data: content }]);
    else await writeFile(sourcePath, content);

    const first = await startSource(sourcePath, 0);
    let { source } = first;
    const line = await startCuttingProxy(first.port, () => undefined);
    const transfer = { subject, port: line.port, rate: (40 * mib * sentBytes) / sizeBytes, seed };
    let destination = await startPull({ ...transfer, ledger: 0 });
    let watermark = 0;
    const kills = 4;
    for (let kill = 0; kill < kills; kill++) {
      await untilSomewhere(watermark, random);
      const isSource = kill % 2 === 1;
      await (isSource ? source : destination).kill();
      const now = await checkedWatermark(subject, isSource ? 'alive' : 'dead');
      expect(now).toBeGreaterThanOrEqual(watermark);
      watermark = now;
      if (isSource) ({ source } = await startSource(sourcePath, first.port));
      else
        destination = await startPull({
          ...transfer,
          ledger: watermark,
          rate: kill === kills - 1 ? null : transfer.rate,
        });
    }
    const { outcome } = await destination.next(pullEnd);
    if (hasQemu && shape !== undefined) expect(comparedByQemu(sourcePath)).toContain('identical');
    const output = pullOutput.parse(outcome['value']);
    expect((await copied(subject, sizeBytes)).equals(content)).toBe(true);
    expect(output).toMatchObject({ dataBytes: sentBytes });
    expect(output.seedBytes ?? 0).toBe(sizeBytes - sentBytes);
    expect(output.resentBytes).toBeLessThanOrEqual(kills * windowBytesMax);
    const passedTwiceBytes = line.passedBytes() - sentBytes * 1.01;
    expect(passedTwiceBytes).toBeLessThanOrEqual(kills * resentBytesMax);
    expect(output.resentBytes).toBeLessThanOrEqual(line.passedBytes() - sentBytes);
    await line.close();
  },
);
