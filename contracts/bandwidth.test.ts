import { bandwidthHours, limitAt, narrowestLimit, widestLimit, type BandwidthLimit } from './bandwidth';

const mib = 1024 ** 2;
const hours = (...windows: readonly object[]) => bandwidthHours.parse({ timeZone: 'Europe/Berlin', windows });
const at = (limit: BandwidthLimit, time: string): number | null => limitAt(limit, Date.parse(time));

test('without hours the limit of the run holds at any time', () => {
  expect(at({ bytesPerSecondMax: 5 * mib, hours: null }, '2026-11-26T03:00:00Z')).toBe(5 * mib);
  expect(at({ bytesPerSecondMax: null, hours: null }, '2026-11-26T03:00:00Z')).toBeNull();
});

test('a window holds from its first minute to the one before its last, in its time zone', () => {
  const limit = { bytesPerSecondMax: null, hours: hours({ from: '08:00', to: '18:00', bytesPerSecondMax: mib }) };
  // Winter: one hour ahead of UTC.
  expect(at(limit, '2026-11-26T06:59:59Z')).toBeNull();
  expect(at(limit, '2026-11-26T07:00:00Z')).toBe(mib);
  expect(at(limit, '2026-11-26T16:59:59Z')).toBe(mib);
  expect(at(limit, '2026-11-26T17:00:00Z')).toBeNull();
});

test('a window follows the clocks when they are put forward', () => {
  const limit = { bytesPerSecondMax: null, hours: hours({ from: '08:00', to: '18:00', bytesPerSecondMax: mib }) };
  expect(at(limit, '2026-07-01T05:59:59Z')).toBeNull();
  expect(at(limit, '2026-07-01T06:00:00Z')).toBe(mib);
});

test('a window over midnight belongs to the day on which it begins', () => {
  const night = hours({ days: ['fri'], from: '22:00', to: '06:00', bytesPerSecondMax: null });
  const limit = { bytesPerSecondMax: mib, hours: night };
  expect(at(limit, '2026-11-26T22:00:00Z')).toBe(mib); // Thursday, 23:00
  expect(at(limit, '2026-11-27T04:00:00Z')).toBe(mib); // Friday, 5:00
  expect(at(limit, '2026-11-27T21:00:00Z')).toBeNull(); // Friday, 22:00
  expect(at(limit, '2026-11-28T04:59:00Z')).toBeNull(); // Saturday, 5:59
  expect(at(limit, '2026-11-28T05:00:00Z')).toBe(mib); // Saturday, 6:00
});

test('a night that begins on Sunday reaches into Monday', () => {
  const limit = {
    bytesPerSecondMax: mib,
    hours: hours({ days: ['sun'], from: '22:00', to: '06:00', bytesPerSecondMax: 9 * mib }),
  };
  expect(at(limit, '2026-11-30T02:00:00Z')).toBe(9 * mib);
});

test('a window from a time to the same time is a whole day', () => {
  const sunday = hours({ days: ['sun'], from: '00:00', to: '00:00', bytesPerSecondMax: null });
  const limit = { bytesPerSecondMax: mib, hours: sunday };
  expect(at(limit, '2026-11-28T22:59:00Z')).toBe(mib);
  expect(at(limit, '2026-11-28T23:00:00Z')).toBeNull();
  expect(at(limit, '2026-11-29T22:59:00Z')).toBeNull();
  expect(at(limit, '2026-11-29T23:00:00Z')).toBe(mib);
});

test('the first window that it is in counts', () => {
  const both = hours(
    { from: '12:00', to: '13:00', bytesPerSecondMax: 8 * mib },
    { from: '08:00', to: '18:00', bytesPerSecondMax: mib },
  );
  const limit = { bytesPerSecondMax: null, hours: both };
  expect(at(limit, '2026-11-26T11:30:00Z')).toBe(8 * mib);
  expect(at(limit, '2026-11-26T12:30:00Z')).toBe(mib);
});

test('the widest limit is that of the most generous hour', () => {
  const day = hours({ from: '08:00', to: '18:00', bytesPerSecondMax: mib });
  expect(widestLimit({ bytesPerSecondMax: 3 * mib, hours: day })).toBe(3 * mib);
  expect(widestLimit({ bytesPerSecondMax: null, hours: day })).toBeNull();
  expect(widestLimit({ bytesPerSecondMax: 2, hours: null })).toBe(2);
});

test('the narrowest limit is that of the least generous hour that has one', () => {
  const day = hours({ from: '08:00', to: '18:00', bytesPerSecondMax: mib });
  expect(narrowestLimit({ bytesPerSecondMax: 3 * mib, hours: day })).toBe(mib);
  expect(narrowestLimit({ bytesPerSecondMax: null, hours: day })).toBe(mib);
  expect(narrowestLimit({ bytesPerSecondMax: null, hours: null })).toBeNull();
});

test.each([
  [
    'a time zone that is none',
    { timeZone: 'Berlin', windows: [{ from: '08:00', to: '18:00', bytesPerSecondMax: mib }] },
  ],
  ['an hour that is none', { timeZone: 'UTC', windows: [{ from: '24:00', to: '18:00', bytesPerSecondMax: mib }] }],
  ['a limit that is none', { timeZone: 'UTC', windows: [{ from: '08:00', to: '18:00', bytesPerSecondMax: 0 }] }],
  ['no window', { timeZone: 'UTC', windows: [] }],
  [
    'a day that is none',
    { timeZone: 'UTC', windows: [{ days: ['monday'], from: '08:00', to: '18:00', bytesPerSecondMax: mib }] },
  ],
])('%s is refused', (_what, wrong) => {
  expect(bandwidthHours.safeParse(wrong).success).toBe(false);
});
