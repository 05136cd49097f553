import { blake3 } from '@napi-rs/blake-hash';
import { z } from 'zod';
import { runId } from '../../../contracts/ids';
import { operations } from '../../../contracts/operations';
import { contentFacts } from './content';
import { contentBytesMax } from './limits';

const bytes = z.int().nonnegative();
const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** Up to where the content is durable, and what is known of it up to there. */
export const mark = z.object({
  watermarkBytes: bytes.max(contentBytesMax),
  /** The digest chain up to there, hex. */
  digest,
  /** Bytes of blocks that travelled, packed or not. */
  dataBytes: bytes,
  /** Bytes of extents that did not travel: zero in the image, or all-zero data. */
  zeroBytes: bytes,
  /** Bytes that were taken from a seed. */
  seedBytes: bytes.default(0),
});
export type Mark = z.infer<typeof mark>;

/** How much of all extents is done at a mark, however it got there. */
export const bytesDoneAt = ({ dataBytes, zeroBytes, seedBytes }: Mark): number => dataBytes + zeroBytes + seedBytes;

/** What came in all attempts, durable or not. */
export const received = z.object({
  /** Bytes of blocks as they are in the copy. */
  sentBytes: bytes,
  /** How many of them packing kept off the line. */
  savedBytes: bytes.default(0),
});
export type Received = z.infer<typeof received>;

/** What a copy is of: written before its file is made, so that a file with no journal beside it is nobody's of ours. */
export const beginning = z.object({
  schema: z.literal(1),
  runId,
  path: z.string(),
  facts: contentFacts,
  /** What all extents of the source hold together. */
  extentBytes: bytes,
});
export type Beginning = z.infer<typeof beginning>;

export const pullOutput = operations.pull.output;

export const journalRecord = z.discriminatedUnion('record', [
  beginning.extend({ record: z.literal('begin') }),
  /** Durable before the watermark is told to anybody, and after the file is. */
  mark.extend({ record: z.literal('mark'), ...received.shape }),
  /** Not synced: it counts, and nothing depends on it. */
  received.extend({ record: z.literal('received') }),
  /** A block whose digest was wrong, and which was asked for again. */
  z.object({ record: z.literal('mismatch'), offsetBytes: bytes }),
  z.object({ record: z.literal('finish'), output: pullOutput }),
]);
export type JournalRecord = z.infer<typeof journalRecord>;
/** What may be left out of a record means nothing of it. */
type WrittenRecord = z.input<typeof journalRecord>;

const checksumCharacters = 16;
const checksumOf = (text: string): string => blake3(text).toString('hex', 0, checksumCharacters / 2);

/** A record as a line: checksum of the rest (the first 8 bytes of its BLAKE3, hex), a space, its number in the file, JSON. */
export function encodeRecord(number: number, record: WrittenRecord): string {
  const text = `${number} ${JSON.stringify(record)}`;
  return `${checksumOf(text)} ${text}\n`;
}

/** Undefined: not a whole record. */
function decodeRecord(line: string): { number: number; record: JournalRecord } | undefined {
  const text = line.slice(checksumCharacters + 1);
  if (line.slice(0, checksumCharacters + 1) !== `${checksumOf(text)} `) return undefined;
  const space = text.indexOf(' ');
  const parsed = journalRecord.safeParse(jsonOf(text.slice(space + 1)));
  return parsed.success ? { number: Number(text.slice(0, space)), record: parsed.data } : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export type DecodedJournal =
  | { readonly ok: true; readonly records: readonly JournalRecord[]; readonly validBytes: number }
  | { readonly ok: false; readonly reason: string };

/**
 * The records of a journal file. What is torn at the end, by a crash in the middle of an append, is not among them and not in
 * `validBytes`. A damaged record with whole ones after it is no torn end: the journal cannot be trusted then.
 */
export function decodeJournal(file: Buffer): DecodedJournal {
  const records: JournalRecord[] = [];
  let validBytes = 0;
  let torn = false;
  for (let at = 0; at < file.length;) {
    const newline = file.indexOf(0x0a, at);
    if (newline === -1) break;
    const decoded = decodeRecord(file.toString('utf8', at, newline));
    at = newline + 1;
    if (decoded === undefined) {
      torn = true;
    } else if (torn) {
      return { ok: false, reason: `record ${decoded.number} stands after a damaged one` };
    } else if (decoded.number !== records.length) {
      return { ok: false, reason: `record ${decoded.number} stands in the place of record ${records.length}` };
    } else {
      records.push(decoded.record);
      validBytes = at;
    }
  }
  if (records.length > 0 && records[0]?.record !== 'begin')
    return { ok: false, reason: 'its first record is no beginning' };
  return { ok: true, records, validBytes };
}
