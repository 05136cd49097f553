import { parseBandwidthWindow } from './parse';

const all = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

test.each([
  ['22:00-06:00=1GiB/s', { days: all, from: '22:00', to: '06:00', bytesPerSecondMax: 1024 ** 3 }],
  [
    'mon-fri@08:00-18:00=20MiB/s',
    { days: all.slice(0, 5), from: '08:00', to: '18:00', bytesPerSecondMax: 20 * 1024 ** 2 },
  ],
  ['Sat,Sun@00:00-00:00=unlimited', { days: ['sat', 'sun'], from: '00:00', to: '00:00', bytesPerSecondMax: null }],
  [
    'fri-mon@00:00-12:00=1m',
    { days: ['fri', 'sat', 'sun', 'mon'], from: '00:00', to: '12:00', bytesPerSecondMax: 1024 ** 2 },
  ],
])('hours are read as they are written: %s', (text, window) => {
  expect(parseBandwidthWindow(text)).toEqual(window);
});

test.each(['08:00-18:00', '8-18=1m', 'monday@08:00-18:00=1m', 'mon-tue-wed@08:00-18:00=1m', '08:00-18:00=fast', ''])(
  'what is no hours with a limit is none: %j',
  (text) => {
    expect(parseBandwidthWindow(text)).toBeUndefined();
  },
);
