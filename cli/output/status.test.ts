import { sampleStatus } from '../testing/samples';
import { failureOf } from '../../contracts/failure';
import { callLines, rateText } from './status';

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

test('what Hyper-V wrote to its event logs stands between the reason and the remedy', () => {
  const event = { at: '2026-08-01T20:00:05.000Z', log: 'Hyper-V-VMMS', id: 21_024, message: 'The disk is full.' };
  const failure = { ...failureOf('AccessDenied', { message: 'Not saved.', remedy: 'Make room.' }), events: [event] };
  expect(callLines(sampleStatus({ question: null, failure }))).toEqual([
    'Reason: Not saved. (AccessDenied)',
    '  event:   2026-08-01T20:00:05.000Z Hyper-V-VMMS 21024: The disk is full.',
    '  remedy:  Make room.',
  ]);
});
