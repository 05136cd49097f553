import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { valueOf } from '../failures';
import { noMark, openJournal, type Journal, type JournalContent } from './journal';
import { decodeJournal, encodeRecord, type Beginning, type Mark } from './journal-records';
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
});
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
    expect(journal.content).toEqual({ mark: noMark, sentBytes: 0, mismatches: [] });
    await journal.begin(beginning, 0);
    await journal.mark(markAt(100), 150);
    await journal.received(180);
    await journal.mismatch(120);
    await journal.mark(markAt(200), 250);
    await journal.received(300);
  });
  expect(await contentNow()).toEqual({ beginning, mark: markAt(200), sentBytes: 300, mismatches: [120] });
  await written((journal) => journal.finish(output));
  expect((await contentNow()).output).toEqual(output);
});

test('of a journal torn at any byte, all whole records are read and nothing of the torn one', async () => {
  await written(async (journal) => {
    await journal.begin(beginning, 0);
    await journal.mark(markAt(100), 100);
    await journal.received(190);
    await journal.mark(markAt(200), 200);
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
    await journal.begin(beginning, 0);
    await journal.mark(markAt(100), 100);
    await journal.mark(markAt(200), 200);
  });
  const whole = await readFile(path);
  const lastAt = whole.lastIndexOf(0x0a, whole.length - 2) + 1;
  for (const length of [lastAt, lastAt + 1, lastAt + 60, whole.length - 1]) {
    await writeFile(path, whole.subarray(0, length));
    await written(async (journal) => {
      expect(journal.content.mark.watermarkBytes).toBe(100);
      expect((await stat(path)).size).toBe(lastAt);
      await journal.mark(markAt(300), 300);
    });
    expect((await contentNow()).mark.watermarkBytes).toBe(300);
  }
});

test('garbage at the end is cut off like a torn record', async () => {
  await written((journal) => journal.begin(beginning, 0));
  const before = await readFile(path);
  await appendFile(path, Buffer.from('\0\0\0\0\n{"record":"mark"}\n'));
  expect((await contentNow()).mark).toEqual(noMark);
  expect(await readFile(path)).toEqual(before);
});

test('any changed bit is found: it costs the last record or the trust, and never yields another content', async () => {
  await written(async (journal) => {
    await journal.begin(beginning, 0);
    await journal.mark(markAt(100), 100);
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
  await written((journal) => journal.begin(beginning, 0));
  const damaged = Buffer.concat([Buffer.from('x'), await readFile(path)]);
  await writeFile(path, damaged);
  const { journal, damage } = await opened();
  expect(damage).toMatch(/after a damaged one/);
  expect(await readFile(path)).toEqual(damaged);
  await journal.begin(beginning, 0);
  await journal.close();
  expect((await contentNow()).beginning).toEqual(beginning);
});

test.each([
  ['whose first record is no beginning', encodeRecord(0, { record: 'received', sentBytes: 1 })],
  [
    'in which a record is missing',
    encodeRecord(0, { record: 'begin', ...beginning }) + encodeRecord(2, { record: 'received', sentBytes: 1 }),
  ],
])('a journal %s is not trusted', async (_, text) => {
  await writeFile(path, text);
  const { journal, damage } = await opened();
  await journal.close();
  expect(damage).toBeDefined();
});

test('a file that is longer than any journal is not read', async () => {
  await writeFile(path, Buffer.alloc(17 * 1024 * 1024));
  const { journal, damage } = await opened();
  await journal.close();
  expect(damage).toMatch(/longer/);
});

test('a long journal is rewritten and says the same', async () => {
  await written(async (journal) => {
    await journal.begin(beginning, 11);
    await journal.mismatch(1);
    for (let at = 1; at <= 3000; at++) await journal.received(at);
    await journal.mark(markAt(3000), 3000);
    for (let at = 3001; at <= 9000; at++) await journal.received(at);
  });
  expect((await stat(path)).size).toBeLessThan(300 * 1024);
  expect(await contentNow()).toEqual({ beginning, mark: markAt(3000), sentBytes: 9000, mismatches: [1] });
  expect(await readdir(folder)).toEqual(['journal']);
});

test('a beginning forgets all but the bytes that were received', async () => {
  await written(async (journal) => {
    await journal.begin(beginning, 0);
    await journal.mark(markAt(100), 100);
    await journal.finish(output);
    await journal.begin({ ...beginning, path: '/other' }, 100);
  });
  expect(await contentNow()).toEqual({
    beginning: { ...beginning, path: '/other' },
    mark: noMark,
    sentBytes: 100,
    mismatches: [],
  });
});

test('records that are written at the same time stand one after the other', async () => {
  await written(async (journal) => {
    await journal.begin(beginning, 0);
    await Promise.all(
      Array.from({ length: 50 }, (_, at) => (at % 2 === 0 ? journal.received(at) : journal.mark(markAt(at), at))),
    );
  });
  expect(await contentNow()).toMatchObject({ mark: markAt(49), sentBytes: 49 });
});
