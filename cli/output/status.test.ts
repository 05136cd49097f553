import { sampleStatus } from '../testing/samples';
import { rateText } from './status';

test('the time left is that of the whole run, seen from its last change', () => {
  const status = { updatedAt: '2026-08-01T20:00:05Z', expectedEndAt: '2026-08-01T20:02:10Z' };
  expect(rateText(sampleStatus(status))).toBe('100 MiB/s, about 2 min 05 s left');
  expect(rateText(sampleStatus({ ...status, expectedEndAt: null }))).toBe('100 MiB/s, time left not known yet');
});

test('a run that is late, or past what it expected, has no time left and not less', () => {
  const status = { updatedAt: '2026-08-01T20:00:05Z', expectedEndAt: '2026-08-01T20:00:00Z' };
  expect(rateText(sampleStatus(status))).toBe('100 MiB/s, about 0 s left');
});

test('a copy that is paused has no rate', () => {
  expect(rateText(sampleStatus({ paused: true }))).toBeUndefined();
});
