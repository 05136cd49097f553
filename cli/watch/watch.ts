import type { MigrationId } from '../../contracts/ids';
import { runEnded, type MigrationStatus } from '../../contracts/migration';
import type { HyperferryApi } from '../api/client';
import { isPassing } from '../api/errors';
import type { Clock } from '../../agent/clock';
import { bad, good, type Result } from '../context';
import { failureOfApi, type CliFailure } from '../failure';
import type { WatchSink } from './sink';

export type WatchEnd =
  | { readonly why: 'ended' | 'parked'; readonly status: MigrationStatus }
  /** Ctrl-C: the run goes on. */
  | { readonly why: 'interrupted' };

export type WatchOptions = {
  readonly api: HyperferryApi;
  readonly id: MigrationId;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly sink: WatchSink;
  /** Between two looks. */
  readonly intervalMs: number;
  /** How long the interface may be away once it has answered. */
  readonly patienceMs: number;
  /** What a parked run means: the end of the watch, or something to wait through. */
  readonly whenParked: 'end' | 'stay';
};

function gaveUp(failure: CliFailure, patienceMs: number): CliFailure {
  return {
    ...failure,
    exit: 'unreachable',
    title: `the HTTP interface was away for more than ${Math.round(patienceMs / 1000)} s; the run may go on without it`,
  };
}

/**
 * Looks at a run until it ends, parks or is left. The interface may be away in between for `patienceMs`; a first look that gets no answer
 * is a failure at once, since then the address is more likely wrong than the app restarting.
 */
export async function watchRun(options: WatchOptions): Promise<Result<WatchEnd>> {
  const { api, id, clock, signal, sink, intervalMs, patienceMs } = options;
  let answered = false;
  let awaySinceMs: number | undefined;
  while (!signal.aborted) {
    const look = await api.migration(id);
    const nowMs = clock.now();
    if (look.ok) {
      answered = true;
      awaySinceMs = undefined;
      sink.status(look.value, nowMs);
      if (runEnded(look.value.state)) return ended(sink, { why: 'ended', status: look.value });
      if (look.value.state === 'parked' && options.whenParked === 'end')
        return ended(sink, { why: 'parked', status: look.value });
    } else {
      const failure = failureOfApi(look.error);
      awaySinceMs ??= nowMs;
      if (!answered || !isPassing(look.error)) return left(sink, failure);
      if (nowMs - awaySinceMs >= patienceMs) return left(sink, gaveUp(failure, patienceMs));
      sink.away(failure.detail ?? failure.title, awaySinceMs, nowMs);
    }
    await clock.sleep(intervalMs, signal);
  }
  return ended(sink, { why: 'interrupted' });
}

function ended(sink: WatchSink, end: WatchEnd): Result<WatchEnd> {
  sink.end();
  return good(end);
}

function left(sink: WatchSink, failure: CliFailure): Result<WatchEnd> {
  sink.end();
  return bad(failure);
}
