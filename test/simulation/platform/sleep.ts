import type { Loop } from './loop';
import type { Program } from './program';

/** Sleeps on virtual time, as a `Clock` does: until `ms` have passed or `signal` is aborted. Never ends for a program that is dead by then. */
export function sleepOn(loop: Loop, ms: number, signal?: AbortSignal, program?: Program): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const forget = (): void => signal?.removeEventListener('abort', early);
    const wake = (): void => {
      forget();
      resolve();
    };
    // Node keeps a signal of signals, and with it all that its listeners know, for as long as somebody listens.
    const takeBack = loop.schedule(ms, wake, program, forget);
    const early = (): void => {
      takeBack();
      resolve();
    };
    signal?.addEventListener('abort', early, { once: true });
  });
}
