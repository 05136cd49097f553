import { rateWindowMs } from '../piece-rate';
import { ProgressTracker } from './progress';

const bytes = (bytesDone: number, waitingFor: string | null = null) => ({
  bytesDone,
  bytesTotal: 1_000_000,
  bytesPerSecond: 0,
  waitingFor,
});

describe('progress', () => {
  test('there is none before the first report, unless the runner waits for something', () => {
    const tracker = new ProgressTracker(1000);
    expect(tracker.at(1000, null)).toBeNull();
    expect(tracker.at(1000, 'its turn')).toEqual({
      bytesDone: 0,
      bytesTotal: 0,
      bytesPerSecond: 0,
      waitingFor: 'its turn',
    });
  });

  test('the rate is that of the last seconds: it follows a change, and falls when nothing comes any more', () => {
    const tracker = new ProgressTracker(0);
    for (let ms = 0; ms <= 60_000; ms += 10) tracker.report(bytes(ms), ms);
    expect(tracker.at(60_000, null)?.bytesPerSecond).toBe(1000);
    for (let ms = 60_010; ms <= 80_000; ms += 10) tracker.report(bytes(60_000 + (ms - 60_000) * 5), ms);
    const fast = tracker.at(80_000, null)?.bytesPerSecond ?? 0;
    expect(fast).toBeGreaterThan(4950);
    expect(fast).toBeLessThan(5050);
    expect(tracker.at(80_000 + rateWindowMs, null)?.bytesPerSecond).toBeLessThan(100);
  });

  test('a steady copy in few large pieces has its rate at every moment between two of them', () => {
    const tracker = new ProgressTracker(0);
    for (let ms = 0; ms <= 64_000; ms += 500) {
      tracker.report(bytes(Math.floor(ms / 8_000) * 80_000), ms);
      if (ms >= 8_000) expect(tracker.at(ms, null)?.bytesPerSecond).toBe(10_000);
    }
    expect(tracker.at(100_000, null)?.bytesPerSecond).toBeLessThan(7_000);
  });

  test('while the first piece comes over a slow line the rate is what the copy says, and then that of the pieces', () => {
    const tracker = new ProgressTracker(0);
    for (let ms = 0; ms < 60_000; ms += 500) tracker.report({ ...bytes(0), bytesPerSecond: 21_000 }, ms);
    expect(tracker.at(59_500, null)?.bytesPerSecond).toBe(21_000);
    tracker.report({ ...bytes(600_000), bytesPerSecond: 21_000 }, 60_000);
    expect(tracker.at(60_000, null)?.bytesPerSecond).toBe(10_000);
  });

  test('a clock that is put back makes no rate below nothing', () => {
    const tracker = new ProgressTracker(0);
    for (const ms of [100_000, 101_000, 102_000]) tracker.report(bytes(ms), ms);
    for (const nowMs of [102_000, 101_500, 100_000, 50_000, 0])
      expect(tracker.at(nowMs, null)?.bytesPerSecond).toBe(1000);
    for (const ms of [50_000, 51_000]) tracker.report(bytes(ms + 60_000), ms);
    expect(tracker.at(51_000, null)?.bytesPerSecond).toBe(1000);
  });

  test('a copy that goes on from its watermark does not look as if it had sent all that at once', () => {
    const tracker = new ProgressTracker(0);
    tracker.report(bytes(900_000), 1000);
    tracker.report(bytes(901_000), 2000);
    expect(tracker.at(2000, null)?.bytesPerSecond).toBe(1000);
  });

  test('it moves with bytes and with what it waits for, not with a report that says nothing new', () => {
    const tracker = new ProgressTracker(0);
    tracker.report(bytes(10), 100);
    tracker.report(bytes(10), 200);
    expect(tracker.movedAtMs).toBe(100);
    tracker.report(bytes(10, 'the peer'), 300);
    tracker.report(bytes(10, 'the peer'), 400);
    expect(tracker.movedAtMs).toBe(400);
    tracker.report(bytes(10), 500);
    tracker.report({ ...bytes(10), watermarkBytes: 5 }, 600);
    tracker.report({ ...bytes(10), watermarkBytes: 5 }, 700);
    expect(tracker.movedAtMs).toBe(600);
  });
});
