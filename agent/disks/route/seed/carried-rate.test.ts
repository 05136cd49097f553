import { CarriedRate } from './carried-rate';

const mib = 1024 ** 2;

/** A copy whose line carries a mebibyte in 20 ms, and which compares one with its seed in 1 ms. */
class Copy {
  nowMs = 0;
  readonly rate = new CarriedRate({ now: () => this.nowMs });

  comes(count: number): this {
    for (let block = 0; block < count; block += 1) this.after(20, mib, 0);
    return this;
  }

  isTaken(count: number): this {
    for (let block = 0; block < count; block += 1) this.after(1, 0, mib);
    return this;
  }

  after(ms: number, cameBytes: number, takenBytes: number): this {
    this.nowMs += ms;
    this.rate.add(cameBytes, takenBytes);
    return this;
  }
}

const bytesPerMsOf = ({ rate }: Copy): number => (rate.carried?.bytes ?? 0) / (rate.carried?.ms ?? 1);
const ofLine = mib / 20;

test('what comes between long stretches that the seed has tells the rate of the line, and they do not', () => {
  const copy = new Copy();
  for (let time = 0; time < 20; time += 1) copy.isTaken(5000).comes(50);
  const whole = (20 * 50 * mib) / copy.nowMs;
  expect(whole).toBeLessThan(ofLine / 5);
  expect(bytesPerMsOf(copy) / ofLine).toBeCloseTo(1, 1);
});

test('single blocks that come between others tell nothing', () => {
  const copy = new Copy();
  for (let time = 0; time < 200; time += 1) copy.isTaken(500).comes(1);
  expect(copy.rate.carried).toBeUndefined();
});

test('what comes all at once after the seed had its turn is not taken for the speed of the line', () => {
  const copy = new Copy();
  for (let time = 0; time < 20; time += 1) {
    copy.isTaken(500);
    for (let block = 0; block < 8; block += 1) copy.after(0, mib, 0);
  }
  copy.isTaken(500).comes(100);
  expect(bytesPerMsOf(copy) / ofLine).toBeLessThan(1.05);
});

test('a line that stands still counts, and the time without a connection does not', () => {
  const copy = new Copy().comes(50).after(60_000, mib, 0).comes(50);
  expect(bytesPerMsOf(copy)).toBeLessThan(ofLine / 20);
  const cut = new Copy().comes(50);
  cut.nowMs += 60_000;
  cut.rate.restart();
  cut.comes(50);
  expect(bytesPerMsOf(cut) / ofLine).toBeCloseTo(1, 1);
});
