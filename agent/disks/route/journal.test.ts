import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blake3 } from '@napi-rs/blake-hash';
import { valueOf } from '../failures';
import { noMark, nothingReceived, openJournal, type Journal, type JournalContent } from './journal';
import { decodeJournal, encodeRecord, type Beginning, type Mark, type Received } from './journal-records';
import { run } from './testing/hosts';
import { shapeOf } from './testing/images';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hyperferry-journal-'));
  path = join(folder, 'journal');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const beginning: Beginning = {
  schema: 1,
  runId: run,
  path: '/copy',
  facts: { type: 'image', shape: shapeOf(), fileSizeBytes: 5 },
  extentBytes: 7,
};
const markAt = (watermarkBytes: number): Mark => ({
  watermarkBytes,
  digest: watermarkBytes.toString(16).padStart(64, '0'),
  dataBytes: watermarkBytes,
  zeroBytes: 0,
  seedBytes: 5,
});
const got = (sentBytes: number): Received => ({ sentBytes, savedBytes: 2 });
const output = { path: '/copy', digest: 'cd'.repeat(32), dataBytes: 3, sentBytes: 4, resentBytes: 1, zeroBytes: 0 };

async function opened(): Promise<{ journal: Journal; damage?: string }> {
  return valueOf(await openJournal(path));
}

async function contentNow(): Promise<JournalContent> {
  const { journal, damage } = await opened();
  await journal.close();
  expect(damage).toBeUndefined();
  return journal.content;
}

async function written(work: (journal: Journal) => Promise<void>): Promise<void> {
  const { journal } = await opened();
  await work(journal);
  await journal.close();
}

test('what was written is there after opening it again', async () => {
  await written(async (journal) => {
    expect(journal.content).toEqual({ mark: noMark, received: nothingReceived, mismatches: [] });
    await journal.begin(beginning, got(0));
    await journal.mark(markAt(100), got(150));
    await journal.received(got(180));
    await journal.mismatch(120);
    await journal.mark(markAt(200), got(250));
    await journal.received(got(300));
  });
  expect(await contentNow()).toEqual({ beginning, mark: markAt(200), received: got(300), mismatches: [120] });
  await written((journal) => journal.finish(output));
  expect((await contentNow()).output).toEqual(output);
});

test('of a journal torn at any byte, all whole records are read and nothing of the torn one', async () => {
  await written(async (journal) => {
    await journal.begin(beginning, got(0));
    await journal.mark(markAt(100), got(100));
    await journal.received(got(190));
    await journal.mark(markAt(200), got(200));
  });
  const whole = await readFile(path);
  const ends = [...whole.entries()].filter(([, byte]) => byte === 0x0a).map(([at]) => at + 1);
  const all = decodeJournal(whole);
  expect(all.ok && all.records.map(({ record }) => record)).toEqual(['begin', 'mark', 'mark', 'received', 'mark']);
  for (let length = 0; length <= whole.length; length++) {
    const records = ends.filter((end) => end <= length).length;
    const expected = { ok: true, records: all.ok && all.records.slice(0, records), validBytes: ends[records - 1] ?? 0 };
    expect(decodeJournal(whole.subarray(0, length))).toEqual(expected);
  }
});

test('a torn journal is cut off after its last whole record, and goes on from there', async () => {
  await written(async (journal) => {
    await journal.begin(beginning, got(0));
    await journal.mark(markAt(100), got(100));
    await journal.mark(markAt(200), got(200));
  });
  const whole = await readFile(path);
  const lastAt = whole.lastIndexOf(0x0a, whole.length - 2) + 1;
  for (const length of [lastAt, lastAt + 1, lastAt + 60, whole.length - 1]) {
    await writeFile(path, whole.subarray(0, length));
    await written(async (journal) => {
      expect(journal.content.mark.watermarkBytes).toBe(100);
      expect((await stat(path)).size).toBe(lastAt);
      await journal.mark(markAt(300), got(300));
    });
    expect((await contentNow()).mark.watermarkBytes).toBe(300);
  }
});

test('garbage at the end is cut off like a torn record', async () => {
  await written((journal) => journal.begin(beginning, got(0)));
  const before = await readFile(path);
  await appendFile(path, Buffer.from('\0\0\0\0\n{"record":"mark"}\n'));
  expect((await contentNow()).mark).toEqual(noMark);
  expect(await readFile(path)).toEqual(before);
});

test('any changed bit is found: it costs the last record or the trust, and never yields another content', async () => {
  await written(async (journal) => {
    await journal.begin(beginning, got(0));
    await journal.mark(markAt(100), got(100));
  });
  const whole = await readFile(path);
  const all = decodeJournal(whole);
  const lastAt = whole.lastIndexOf(0x0a, whole.length - 2) + 1;
  for (let at = 0; at < whole.length; at++) {
    const changed = Buffer.from(whole);
    changed[at] = whole.readUInt8(at) ^ 0x04;
    const decoded = decodeJournal(changed);
    // A newline that is none any more makes one torn record of the last two.
    const kept = at === lastAt - 1 ? 1 : 2;
    if (at < lastAt - 1) expect(decoded.ok).toBe(false);
    else expect(decoded).toMatchObject({ ok: true, records: all.ok && all.records.slice(0, kept) });
  }
});

test('a journal that is not to be trusted is left as it is, until it is begun anew', async () => {
  await written((journal) => journal.begin(beginning, got(0)));
  const damaged = Buffer.concat([Buffer.from('x'), await readFile(path)]);
  await writeFile(path, damaged);
  const { journal, damage } = await opened();
  expect(damage).toMatch(/after a damaged one/);
  expect(await readFile(path)).toEqual(damaged);
  await journal.begin(beginning, got(0));
  await journal.close();
  expect((await contentNow()).beginning).toEqual(beginning);
});

test.each([
  ['whose first record is no beginning', encodeRecord(0, { record: 'received', ...got(1) })],
  [
    'in which a record is missing',
    encodeRecord(0, { record: 'begin', ...beginning }) + encodeRecord(2, { record: 'received', ...got(1) }),
  ],
])('a journal %s is not trusted', async (_, text) => {
  await writeFile(path, text);
  const { journal, damage } = await opened();
  await journal.close();
  expect(damage).toBeDefined();
});

test('a journal of before there were seeds and packing is read as one without', async () => {
  const mark = { record: 'mark', watermarkBytes: 9, digest: 'ab'.repeat(32), dataBytes: 9, zeroBytes: 0, sentBytes: 9 };
  const text = `1 ${JSON.stringify(mark)}`;
  const old = `${blake3(text).toString('hex', 0, 8)} ${text}\n`;
  await writeFile(path, encodeRecord(0, { record: 'begin', ...beginning }) + old);
  const { mark: found, received } = await contentNow();
  expect(found).toMatchObject({ watermarkBytes: 9, seedBytes: 0 });
  expect(received).toEqual({ sentBytes: 9, savedBytes: 0 });
});

test('a file that is longer than any journal is not read', async () => {
  await writeFile(path, Buffer.alloc(17 * 1024 * 1024));
  const { journal, damage } = await opened();
  await journal.close();
  expect(damage).toMatch(/longer/);
});

test('a long journal is rewritten and says the same', async () => {
  await written(async (journal) => {
    await journal.begin(beginning, got(11));
    await journal.mismatch(1);
    for (let at = 1; at <= 3000; at++) await journal.received(got(at));
    await journal.mark(markAt(3000), got(3000));
    for (let at = 3001; at <= 9000; at++) await journal.received(got(at));
  });
  expect((await stat(path)).size).toBeLessThan(300 * 1024);
  expect(await contentNow()).toEqual({ beginning, mark: markAt(3000), received: got(9000), mismatches: [1] });
  expect(await readdir(folder)).toEqual(['journal']);
});

test('a beginning forgets all but the bytes that were received', async () => {
  await written(async (journal) => {
    await journal.begin(beginning, got(0));
    await journal.mark(markAt(100), got(100));
    await journal.finish(output);
    await journal.begin({ ...beginning, path: '/other' }, got(100));
  });
  expect(await contentNow()).toEqual({
    beginning: { ...beginning, path: '/other' },
    mark: noMark,
    received: got(100),
    mismatches: [],
  });
});

test('records that are written at the same time stand one after the other', async () => {
  await written(async (journal) => {
    await journal.begin(beginning, got(0));
    await Promise.all(
      Array.from({ length: 50 }, (_, at) =>
        at % 2 === 0 ? journal.received(got(at)) : journal.mark(markAt(at), got(at)),
      ),
    );
  });
  expect(await contentNow()).toMatchObject({ mark: markAt(49), received: got(49) });
});
