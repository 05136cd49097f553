import type { JournalRecord } from '../../../agent/disks/route/journal-records';
import { beyondWatermarkBytes, costsOf, readBeyondWatermark } from './resent';

const mark = (sentBytes: number, dataBytes: number): JournalRecord => ({
  record: 'mark',
  watermarkBytes: dataBytes,
  digest: '0'.repeat(64),
  dataBytes,
  zeroBytes: 0,
  seedBytes: 0,
  sentBytes,
  savedBytes: 0,
});

const received = (sentBytes: number): JournalRecord => ({ record: 'received', sentBytes, savedBytes: 0 });

describe('bytes beyond the watermark', () => {
  test('are what was received less what is durable', () => {
    expect(beyondWatermarkBytes([mark(10, 10), received(25)])).toBe(15);
    expect(beyondWatermarkBytes([mark(10, 10), received(25), mark(25, 25)])).toBe(0);
    expect(beyondWatermarkBytes([mark(40, 25), received(43)])).toBe(18);
    expect(beyondWatermarkBytes([])).toBe(0);
  });

  test('of a finished pull are what its outcome says', () => {
    const output = { path: '/x', digest: '0'.repeat(64), dataBytes: 20, sentBytes: 27, resentBytes: 7, zeroBytes: 0 };
    expect(beyondWatermarkBytes([mark(27, 20), { record: 'finish', output }])).toBe(7);
  });

  test('are not known where there are no journals', () => {
    expect(readBeyondWatermark('/nonexistent/home')).toBeUndefined();
  });
});

describe('what each kill cost', () => {
  const exact = (bytes: number): object => ({ bytes, exact: true });
  const atMost = (bytes: number): object => ({ bytes, exact: false });

  test('is exact for a kill alone between two counts', () => {
    expect(
      costsOf(2, [
        { afterKill: 0, totalBytes: 5 },
        { afterKill: 1, totalBytes: 12 },
        { afterKill: 'end', totalBytes: 12 },
      ]),
    ).toEqual([exact(5), exact(7)]);
  });

  test('is all that came between two counts for several kills', () => {
    expect(
      costsOf(4, [
        { afterKill: 2, totalBytes: 9 },
        { afterKill: 'end', totalBytes: 9 },
      ]),
    ).toEqual([atMost(9), atMost(9), atMost(9), exact(0)]);
  });

  test('that came after the last count is charged to the kills since', () => {
    expect(
      costsOf(3, [
        { afterKill: 0, totalBytes: 0 },
        { afterKill: 'end', totalBytes: 30 },
      ]),
    ).toEqual([exact(0), atMost(30), atMost(30)]);
  });

  test('of a run without kills is nothing', () => {
    expect(costsOf(0, [{ afterKill: 'end', totalBytes: 3 }])).toEqual([]);
  });
});
