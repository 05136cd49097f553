import { instantClock } from './testing/instant-clock';
import { seededRandom } from './testing/random';
import { routePace } from './limits';
import { Patience } from './patience';
import { SendWindow } from './send-window';
import { TokenBucket } from './token-bucket';

const never = new AbortController().signal;

describe('the token bucket', () => {
  test.each([64 * 1024, 10_000_000])('lets %d bytes a second through, and not more', async (bytesPerSecond) => {
    const clock = instantClock();
    const bucket = new TokenBucket(() => bytesPerSecond, clock);
    const random = seededRandom(5);
    const beganMs = clock.now();
    let bytes = 0;
    while (bytes < 20 * bytesPerSecond) {
      const part = 1 + Math.floor(random() * 65_536);
      await bucket.take(part, never);
      bytes += part;
    }
    const seconds = (clock.now() - beganMs) / 1000;
    expect(bytes / seconds).toBeLessThanOrEqual(bytesPerSecond * 1.001);
    expect(bytes / seconds).toBeGreaterThan(bytesPerSecond * 0.97);
  });

  test('does not make up for an hour of pause by a burst', async () => {
    const clock = instantClock();
    const bucket = new TokenBucket(() => 1_000_000, clock);
    clock.advance(3_600_000);
    const beganMs = clock.now();
    for (let taken = 0; taken < 2_000_000; taken += 50_000) await bucket.take(50_000, never);
    expect(clock.now() - beganMs).toBeGreaterThan(1700);
  });

  test('a limit that changes with the time holds from the next second on', async () => {
    const clock = instantClock();
    const noonMs = clock.now() + 10_000;
    const bucket = new TokenBucket((nowMs) => (nowMs < noonMs ? 1_000_000 : 100_000), clock);
    let before = 0;
    while (clock.now() < noonMs) {
      await bucket.take(50_000, never);
      before += 50_000;
    }
    const [beganMs, after] = [clock.now(), 20 * 50_000];
    for (let bytes = 0; bytes < after; bytes += 50_000) await bucket.take(50_000, never);
    expect(before / 10).toBeGreaterThan(970_000);
    expect(before / 10).toBeLessThan(1_100_000);
    expect(after / ((clock.now() - beganMs) / 1000)).toBeLessThan(140_000);
  });

  test('whoever waits for a low limit goes on as soon as it is lifted', async () => {
    const clock = instantClock();
    const noonMs = clock.now() + 3_000;
    const bucket = new TokenBucket((nowMs) => (nowMs < noonMs ? 1 : null), clock);
    expect(bucket.isLimited).toBe(true);
    await bucket.take(1_000_000, never);
    expect(clock.now() - noonMs).toBeLessThanOrEqual(1_000);
    expect(bucket.isLimited).toBe(false);
  });

  test('lets go at once when it is aborted', async () => {
    const clock = instantClock();
    const beganMs = clock.now();
    await new TokenBucket(() => 1, clock).take(1_000_000, AbortSignal.abort());
    expect(clock.now()).toBe(beganMs);
  });
});

describe('the window', () => {
  test('holds back what would be more than its limit until enough is durable', async () => {
    const window = new SendWindow(100);
    window.sent(60, 60);
    window.sent(100, 40);
    let mayGoOn = false;
    const waiting = window.room(50, never).then(() => (mayGoOn = true));
    window.durable(59);
    await Promise.resolve();
    expect(mayGoOn).toBe(false);
    window.durable(60);
    await waiting;
    expect(window.pendingBytes).toBe(40);
  });

  test('a watermark that goes back changes nothing', () => {
    const window = new SendWindow(100);
    window.sent(60, 60);
    window.durable(60);
    window.durable(10);
    expect(window.durableBytes).toBe(60);
  });

  test('whoever waits is let go when the connection ends', async () => {
    const ending = new AbortController();
    const window = new SendWindow(10);
    window.sent(10, 10);
    const waiting = Promise.all([window.room(1, ending.signal)]);
    ending.abort();
    await expect(waiting).resolves.toHaveLength(1);
  });
});

describe('patience', () => {
  test('waits longer and longer, and gives up after the time without progress', () => {
    const patience = new Patience(routePace);
    const waits: number[] = [];
    let nowMs = 1000;
    for (;;) {
      const verdict = patience.lost({ nowMs, beganMs: nowMs, progress: 'none' });
      if (verdict.kind === 'give-up') break;
      waits.push(verdict.waitMs);
      nowMs += verdict.waitMs;
    }
    expect(waits.slice(0, 6)).toEqual([100, 200, 400, 800, 1600, 2000]);
    expect(nowMs - 1000).toBeGreaterThan(20_000);
    expect(nowMs - 1000).toBeLessThanOrEqual(22_000);
  });

  test('begins anew after any progress', () => {
    const pace = { ...routePace, unreachableMsMax: 600 };
    const patience = new Patience(pace);
    const early = patience.lost({ nowMs: 500, beganMs: 0, progress: 'none' });
    const progressed = patience.lost({ nowMs: 5_000, beganMs: 500, progress: 'some' });
    const late = patience.lost({ nowMs: 5_500, beganMs: 5_100, progress: 'none' });
    expect([early, progressed, late]).toMatchObject([
      { kind: 'again', sinceMs: 0 },
      { kind: 'again', sinceMs: 5_000, waitMs: pace.reconnectMsMin },
      { kind: 'again', sinceMs: 5_000 },
    ]);
    expect(patience.lost({ nowMs: 5_700, beganMs: 5_600, progress: 'none' })).toEqual({ kind: 'give-up', forMs: 700 });
  });
});
