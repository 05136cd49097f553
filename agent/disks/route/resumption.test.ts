import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { diskId, runId } from '../../../contracts/ids';
import { valueOf } from '../failures';
import { openJournal } from './journal';
import type { Beginning, Mark } from './journal-records';
import { findResumption, type Resumption } from './resumption';
import { makeHosts, mib, run, type Hosts } from './testing/hosts';
import { makeImage, shapeOf } from './testing/images';
import { routeImages } from './route-images';

let hosts: Hosts;
let path: string;
let journalPath: string;
beforeEach(async () => {
  hosts = await makeHosts();
  path = join(hosts.folder, 'copy');
  journalPath = join(hosts.folder, 'copy.journal');
});
afterEach(() => hosts.remove());

const shape = shapeOf();
const mark = (watermarkBytes: number): Mark => ({
  watermarkBytes,
  digest: 'ab'.repeat(32),
  dataBytes: watermarkBytes,
  zeroBytes: 0,
  seedBytes: 0,
});
const got = (sentBytes: number) => ({ sentBytes, savedBytes: 0 });
const beginning = (): Beginning => ({
  schema: 1,
  runId: run,
  path,
  facts: { type: 'image', shape, fileSizeBytes: 9 },
  extentBytes: 10 * mib,
});

/** What an earlier attempt left. */
async function left({ from = beginning(), watermarkBytes = mib, isFinished = false } = {}): Promise<void> {
  const { journal } = valueOf(await openJournal(journalPath));
  await journal.begin(from, got(0));
  await makeImage(path, shape, []);
  if (watermarkBytes > 0) await journal.mark(mark(watermarkBytes), got(watermarkBytes + 5));
  const output = { path, digest: 'ab'.repeat(32), dataBytes: mib, sentBytes: mib, resentBytes: 0, zeroBytes: 0 };
  if (isFinished) await journal.finish(output);
  await journal.close();
}

/** The kind of resumption or the code of the failure, whether the copy is there afterwards, and how many bytes it counts as received. */
async function found(
  ledgerWatermarkBytes: number | null,
): Promise<{ what: string; copy: 'there' | 'gone'; sentBytes?: number }> {
  const images = routeImages();
  const subject = { type: 'image', diskId: diskId.parse('scsi-0-0'), index: 0 } as const;
  const resumption = await findResumption({ runId: run, path, journalPath, ledgerWatermarkBytes, images, subject });
  const sentBytes = resumption.ok ? await closed(resumption.value) : undefined;
  const copy = await stat(path).then(
    () => 'there' as const,
    () => 'gone' as const,
  );
  const what = resumption.ok ? resumption.value.kind : resumption.failure.code;
  return { what, copy, ...(sentBytes === undefined ? {} : { sentBytes }) };
}

async function closed(resumption: Resumption): Promise<number | undefined> {
  if (resumption.kind === 'finished') return undefined;
  if (resumption.kind === 'resumed') await resumption.target.close();
  const { sentBytes } = resumption.kind === 'fresh' ? resumption.received : resumption.journal.content.received;
  await resumption.journal.close();
  return sentBytes;
}

test('without a journal a pull begins', async () => {
  expect(await found(null)).toEqual({ what: 'fresh', copy: 'gone', sentBytes: 0 });
});

test('a file that no journal speaks of is not taken for a copy, however often one asks', async () => {
  await writeFile(path, 'of somebody else');
  for (const ledger of [null, 0, null])
    expect(await found(ledger)).toEqual({ what: 'DestinationOccupied', copy: 'there' });
  expect(await readFile(path, 'utf8')).toBe('of somebody else');
});

test.each([null, 0, mib])('a journal with progress is gone on with when the ledger says %p', async (ledger) => {
  await left();
  expect(await found(ledger)).toEqual({ what: 'resumed', copy: 'there', sentBytes: mib + 5 });
});

test('a finished journal answers, whatever the ledger says', async () => {
  await left({ isFinished: true });
  for (const ledger of [null, mib, 32 * mib]) expect(await found(ledger)).toEqual({ what: 'finished', copy: 'there' });
});

const damages: [string, () => Promise<void>][] = [
  ['a journal that is not there', () => rm(journalPath)],
  ['an empty journal', () => writeFile(journalPath, '')],
  ['a damaged journal', async () => writeFile(journalPath, `x${await readFile(journalPath, 'utf8')}`)],
  ['a copy that is not there', () => rm(path)],
  ['a copy that is no VHDX', () => writeFile(path, Buffer.alloc(mib))],
  ['a copy of another disk', async () => rm(path).then(() => makeImage(path, shapeOf(), []))],
  ['a copy that was cut off', async () => writeFile(path, (await readFile(path)).subarray(0, mib))],
  [
    'a journal of another run',
    async () => rm(path).then(() => left({ from: { ...beginning(), runId: runId.parse('move-1-r2') } })),
  ],
  [
    'a journal of another copy',
    async () => rm(path).then(() => left({ from: { ...beginning(), path: join(hosts.folder, 'other') } })),
  ],
];

test.each(damages)(
  '%s is JournalDamaged when the ledger knows of progress, and nothing is removed',
  async (_, damage) => {
    await left();
    await damage();
    const before = await stat(path).then(
      () => 'there',
      () => 'gone',
    );
    expect(await found(mib)).toEqual({ what: 'JournalDamaged', copy: before });
  },
);

/** Then the copy is not known to be ours. */
const leavesAStranger = ['a journal that is not there', 'an empty journal', 'a journal of another copy'];

test.each(damages.filter(([what]) => !leavesAStranger.includes(what)))(
  '%s makes a pull begin anew when the ledger knows of no progress',
  async (_, damage) => {
    await left();
    await damage();
    expect((await found(0)).what).toBe('fresh');
  },
);

test.each(damages.filter(([what]) => leavesAStranger.includes(what)))(
  '%s leaves a copy that nobody may remove, even when the ledger knows of no progress',
  async (_, damage) => {
    await left();
    await damage();
    expect(await found(0)).toEqual({ what: 'DestinationOccupied', copy: 'there' });
  },
);

test('a journal behind the ledger is JournalDamaged', async () => {
  await left({ watermarkBytes: mib });
  expect((await found(mib + 512)).what).toBe('JournalDamaged');
});

test('a journal without a watermark begins anew, and what was received still counts', async () => {
  await left({ watermarkBytes: 0 });
  const { journal } = valueOf(await openJournal(journalPath));
  await journal.received(got(12_345));
  await journal.close();
  expect(await found(null)).toEqual({ what: 'fresh', copy: 'gone', sentBytes: 12_345 });
});

test('a finished journal whose copy is gone is no answer', async () => {
  await left({ isFinished: true });
  await rm(path);
  expect((await found(mib)).what).toBe('JournalDamaged');
  expect((await found(null)).what).toBe('fresh');
});
