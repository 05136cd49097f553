/** Time as a parameter, so that a test owns it. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Ends after `ms`, or early when `signal` is aborted; an implementation may end early by resolving or by rejecting. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The longest delay of a Node timer; a longer one would fire at once, so it is waited for in parts. */
const timerMsMax = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) {
        resolve();
        return;
      }
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const wait = (leftMs: number): NodeJS.Timeout =>
        setTimeout(
          () => {
            if (leftMs > timerMsMax) timer = wait(leftMs - timerMsMax);
            else end();
          },
          Math.min(leftMs, timerMsMax),
        );
      let timer = wait(ms);
      signal.addEventListener('abort', end);
    }),
};

/** Sleeps, and returns early without an error when `signal` is aborted. */
export async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, signal);
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  }
}

/** Calls `action` once after `ms`, unless the function that it returns is called before. */
export function startTimer(clock: Clock, ms: number, action: () => void): () => void {
  const stopped = new AbortController();
  void pause(clock, ms, stopped.signal).then(() => {
    if (!stopped.signal.aborted) action();
  });
  // A reason of one's own: without one, Node makes an error with its stack for each, and that costs more than the timer.
  return () => stopped.abort('stopped');
}

/** Calls `action` every `ms` until the function that it returns is called. */
export function startRepeating(clock: Clock, ms: number, action: () => void): () => void {
  let stop = () => {};
  const next = () => {
    stop = startTimer(clock, ms, () => {
      next();
      action();
    });
  };
  next();
  return () => stop();
}

/** Calls `action` once when `touch` was not called for `ms`; nothing more after `stop`. */
export function startSilenceWatch(clock: Clock, ms: number, action: () => void): { touch(): void; stop(): void } {
  let touchedAtMs = clock.now();
  let stop = () => {};
  const look = () => {
    const silentMs = clock.now() - touchedAtMs;
    if (silentMs >= ms) action();
    else stop = startTimer(clock, ms - silentMs, look);
  };
  stop = startTimer(clock, ms, look);
  return { touch: () => (touchedAtMs = clock.now()), stop: () => stop() };
}
