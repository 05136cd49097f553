import type { Output } from '../output/output';
import type { WatchSink } from './sink';

/**
 * JSON lines: `{"type":"status","at",…,"status":<the status document>}` for each status that differs from the one before, and
 * `{"type":"away","at","message"}` when the interface stops answering.
 */
export function jsonSink(output: Output): WatchSink {
  let last = '';
  let away = false;
  const at = (nowMs: number): string => new Date(nowMs).toISOString();
  return {
    status: (status, nowMs) => {
      const text = JSON.stringify(status);
      if (text !== last || away) output.jsonLine({ type: 'status', at: at(nowMs), status });
      last = text;
      away = false;
    },
    away: (message, sinceMs, nowMs) => {
      if (!away) output.jsonLine({ type: 'away', at: at(nowMs), since: at(sinceMs), message });
      away = true;
    },
    end: () => undefined,
  };
}
