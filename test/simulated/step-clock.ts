import type { Clock } from '../../agent/clock';

/** A clock that a test owns: time passes only by `pass`, which lets everybody who sleeps until then go on. */
export class StepClock implements Clock {
  private timeMs = 1_000_000;
  private sleepers: { readonly untilMs: number; readonly wake: () => void }[] = [];

  readonly now = (): number => this.timeMs;

  readonly sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((wake) => {
      this.sleepers.push({ untilMs: this.timeMs + ms, wake });
      signal?.addEventListener('abort', () => wake(), { once: true });
      if (signal?.aborted === true) wake();
    });

  /** Lets time pass in steps, and after each everything happen that does not wait for time. */
  async pass(ms: number, stepMs = 50): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.timeMs += stepMs;
      const due = this.sleepers.filter((sleeper) => sleeper.untilMs <= this.timeMs);
      this.sleepers = this.sleepers.filter((sleeper) => sleeper.untilMs > this.timeMs);
      for (const { wake } of due) wake();
      await settle();
    }
  }
}

/** Everything that is ready to go on goes on. */
export const settle = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });
