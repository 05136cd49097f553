import { systemClock, within } from './clock';

describe('clock', () => {
  test('a sleep ends at once when its signal is aborted, before or while it sleeps, and does not reject', async () => {
    const stop = new AbortController();
    const sleeping = systemClock.sleep(60_000, stop.signal);
    stop.abort();
    await expect(sleeping).resolves.toBeUndefined();
    await expect(systemClock.sleep(60_000, stop.signal)).resolves.toBeUndefined();
  });

  test('whoever waits for work learns whether it was done, late, or not waited for to the end', async () => {
    const never = new Promise(() => {});
    expect(await within(systemClock, 60_000, Promise.resolve())).toBe('done');
    expect(await within(systemClock, 5, never)).toBe('late');
    expect(await within(systemClock, 60_000, never, AbortSignal.abort())).toBe('aborted');
  });
});
