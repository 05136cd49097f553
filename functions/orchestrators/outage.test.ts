import { lineOf, predictedOutageMs, type Pass } from './outage';

const mib = 1024 ** 2;
const run = {
  request: { policy: { stop: 'shut-down' as const } },
  pace: { lookMsMin: 0, lookMsMax: 0, silenceMsMax: 0 },
};
const around = predictedOutageMs(run, { rounds: [], memoryBytes: 0 }, 0);

/** What so many mebibytes are predicted to take after these passes, in milliseconds. */
const msOf = (count: number, ...rounds: readonly Pass[]): number =>
  predictedOutageMs(run, { rounds, memoryBytes: 0 }, count * mib) - around;

const compared: Pass = { changedBytes: 90_000 * mib, sentBytes: 100 * mib, tookMs: 500_000 };

test('a pass that compared with a seed predicts by what came while the line was waited for', () => {
  expect(msOf(50, { ...compared, ofLine: { bytes: 80 * mib, ms: 800 } })).toBe(500);
});

test('what came in all of a pass is the least that is taken for the rate', () => {
  expect(msOf(50, { ...compared, ofLine: { bytes: 80 * mib, ms: 800_000 } })).toBe(250_000);
  expect(msOf(50, compared)).toBe(250_000);
});

test('less than a mebibyte tells nothing of the line', () => {
  expect(msOf(50, { ...compared, ofLine: { bytes: mib - 1, ms: 1 } })).toBe(250_000);
});

test('a later round that carried enough is what is gone by', () => {
  const round: Pass = { changedBytes: 10 * mib, sentBytes: 10 * mib, tookMs: 1000 };
  expect(msOf(50, { ...compared, ofLine: { bytes: 80 * mib, ms: 800 } }, round)).toBe(5000);
});

test('files of a pass that went side by side are taken together as if they had gone one after the other', () => {
  const files = [{ ofLine: { bytes: 10, ms: 4 } }, {}, { ofLine: { bytes: 20, ms: 6 } }];
  expect(lineOf(files)).toEqual({ bytes: 30, ms: 10 });
  expect(lineOf([{}])).toBeUndefined();
});
