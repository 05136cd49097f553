import { readFile, rm } from 'node:fs/promises';
import { z } from 'zod';
import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import { writeFileDurably } from '../../files';
import { ioError, isMissing, outcomeOf } from '../failures';

/** What a copy is of and how far it is durable: enough to go on with it after any interruption. */
const copyRecord = z.strictObject({
  schema: z.literal(1),
  /** What must be as it was for the copy to go on: the files of the source, and what is made of them. */
  identity: z.string().max(1_000_000),
  watermarkBytes: z.int().nonnegative(),
});
export type CopyRecord = z.infer<typeof copyRecord>;

export const partialPathOf = (target: string): string => `${target}.partial`;
export const journalPathOf = (target: string): string => `${target}.partial.json`;

/** The record of a copy that was begun, or undefined. Failures: `JournalDamaged`, `IoFailed`. */
export async function readCopyJournal(target: string): Promise<Outcome<CopyRecord | undefined>> {
  const path = journalPathOf(target);
  const text = await outcomeOf(() => textOf(path));
  if (!text.ok) return text;
  return text.value === undefined ? succeeded(undefined) : parse(path, text.value);
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw ioError(thrown, 'reading', path, 'none');
  }
}

function parse(path: string, text: string): Outcome<CopyRecord> {
  const parsed = copyRecord.safeParse(jsonOf(text));
  if (parsed.success) return succeeded(parsed.data);
  const message = `${path} is no record of a copy: ${parsed.error.issues[0]?.message ?? ''}`;
  const remedy = 'Remove it and the file beside it that ends in .partial, and copy again from the start.';
  return failed(failureOf('JournalDamaged', { message, remedy, effect: 'none' }));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Durable when it returns. Throws `DiskError`. */
export async function writeCopyJournal(target: string, record: CopyRecord): Promise<void> {
  const path = journalPathOf(target);
  await writeFileDurably(path, JSON.stringify(record)).catch((thrown: unknown) => {
    throw ioError(thrown, 'writing', path, 'applied');
  });
}

/** Throws `DiskError`. */
export async function removeCopyJournal(target: string): Promise<void> {
  const path = journalPathOf(target);
  await rm(path, { force: true }).catch((thrown: unknown) => {
    throw ioError(thrown, 'removing', path, 'applied');
  });
}
