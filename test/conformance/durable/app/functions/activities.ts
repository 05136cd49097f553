/** Activities that return, throw and take what they are told to. */
import { setTimeout as sleep } from 'node:timers/promises';
import * as df from 'durable-functions';
import { throwValue } from './words';

df.app.activity('Echo', { handler: (input: unknown) => input });
df.app.activity('EchoLater', {
  handler: async (input: unknown) => {
    await sleep(5);
    return input;
  },
});
/** What an activity sees of its input. */
df.app.activity('TypeOf', {
  handler: (input: unknown) => ({
    type: input === null ? 'null' : Array.isArray(input) ? 'array' : typeof input,
    value: input === undefined ? 'undefined' : input,
  }),
});

const values: Readonly<Record<string, unknown>> = {
  text: 'plain',
  empty: '',
  json: '{"a":1}',
  number: 1.5,
  large: 12_345_678_901,
  negative: -3,
  false: false,
  null: null,
  list: [1, [2]],
  object: { a: { b: 'c' } },
  date: new Date(Date.UTC(2020, 0, 1)),
  bytes: new Uint8Array([104, 105]),
};
df.app.activity('Give', { handler: (what: string) => values[what] });

class CodedError extends Error {
  override readonly name = 'CodedError';
  readonly code = 'E_CODED';
}
df.app.activity('Throw', {
  handler: (what: string) => {
    switch (what) {
      case 'type':
        throw new TypeError('a type error');
      case 'coded':
        throw new CodedError('a coded error');
      case 'cause':
        throw new Error('an outer error', { cause: new Error('an inner error') });
      case 'lines':
        throw new Error('first line\nsecond line');
      case 'empty':
        throw new Error('');
      case 'text':
        return throwValue('a thrown text');
      default:
        throw new Error(what);
    }
  },
});
df.app.activity('RejectLater', {
  handler: async (message: string) => {
    await sleep(5);
    throw new Error(message);
  },
});

const failures = new Map<string, number>();
/** Fails the first `times` times for a key. The app must run on one instance for that. */
df.app.activity('FailTimes', {
  handler: (input: { key: string; times: number }) => {
    const failed = failures.get(input.key) ?? 0;
    if (failed >= input.times) return `succeeded after ${failed}`;
    failures.set(input.key, failed + 1);
    throw new Error(`failure ${failed + 1}`);
  },
});
df.app.activity('Nap', {
  handler: async (input: { ms: number; value: unknown }) => {
    await sleep(input.ms);
    return input.value;
  },
});
df.app.activity('LongText', { handler: (length: number) => 'x'.repeat(length) });
df.app.activity('LengthOf', { handler: (text: string) => text.length });
