import { appendFileSync, renameSync, statSync } from 'node:fs';
import { z } from 'zod';
import { describeThrown } from '../../../../contracts/failure';

/** One call of the worker as it was: enough to answer the same call again in a test. */
export const transcriptEntry = z.object({
  at: z.iso.datetime(),
  call: z.string(),
  args: z.record(z.string(), z.unknown()),
  tookMs: z.number(),
  answer: z.unknown(),
});
export type TranscriptEntry = z.infer<typeof transcriptEntry>;
export type Transcript = (entry: TranscriptEntry) => void;

const secretName = /password|secret|credential|protector|privatekey|pfx$/i;
const notShown = '(not shown)';

/**
 * The same with every field gone whose name says that it is secret, at any depth; and each of `secrets` gone from every text, such as that of an
 * error which quotes what it was given.
 */
export function withoutSecrets(value: unknown, secrets: readonly string[] = []): unknown {
  if (typeof value === 'string') return secrets.reduce((text, secret) => text.replaceAll(secret, notShown), value);
  if (Array.isArray(value)) return value.map((inner) => withoutSecrets(inner, secrets));
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(([name, inner]): [string, unknown] => [
    name,
    secretName.test(name) ? notShown : withoutSecrets(inner, secrets),
  ]);
  return Object.fromEntries(fields);
}

/** The secret texts among the arguments of a call. */
export const secretsAmong = (args: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(args).flatMap(([name, value]) =>
    secretName.test(name) && typeof value === 'string' && value !== '' ? [value] : [],
  );

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/**
 * Writes entries as lines of JSON. At `bytesMax` the file becomes `<path>.1`, which replaces the one before: at most twice as much is kept.
 * An entry that cannot be written (a full disk) is left out, which `complain` is told once for each gap; no call fails for it.
 */
export function transcriptFile(path: string, bytesMax: number, complain: (reason: string) => void): Transcript {
  let bytes = sizeOf(path);
  let hasGap = false;
  const write = (line: string): void => {
    if (bytes > 0 && bytes + Buffer.byteLength(line) > bytesMax) {
      renameSync(path, `${path}.1`);
      bytes = 0;
    }
    appendFileSync(path, line, { mode: 0o600 });
    bytes += Buffer.byteLength(line);
  };
  return (entry) => {
    try {
      write(`${JSON.stringify(entry)}\n`);
      hasGap = false;
    } catch (thrown) {
      if (!hasGap) complain(describeThrown(thrown));
      hasGap = true;
    }
  };
}
