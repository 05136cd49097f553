import { isoTime, type Clock } from './clock';

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** One event, one line. The event is a fixed phrase; what differs is in the fields, so that a machine can search for both. */
export type Log = {
  readonly info: (event: string, fields?: LogFields) => void;
  readonly warn: (event: string, fields?: LogFields) => void;
  readonly error: (event: string, fields?: LogFields) => void;
};

/** A log that hands each event to `write` as one line of JSON: `at`, `level`, `event`, then `base` and the fields. */
export function createLineLog(write: (line: string) => void, clock: Pick<Clock, 'now'>, base: LogFields = {}): Log {
  const at =
    (level: string) =>
    (event: string, fields: LogFields = {}): void =>
      write(JSON.stringify({ at: isoTime(clock.now()), level, event, ...base, ...fields }));
  return { info: at('info'), warn: at('warn'), error: at('error') };
}
