import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

/** Longest line of a log. An operation's output is far below; what is longer in a file that is read is damage. */
export const lineBytesMax = 4 * 1024 * 1024;
const readBytes = 256 * 1024;
const lineFeed = 0x0a;
const checksumCharacters = 8;

/** A line of the log is damaged and good ones follow it, so records are missing and the log cannot be trusted. */
export class DamagedLogError extends Error {
  constructor(path: string, offsetBytes: number, what: string) {
    super(`${path} is damaged at byte ${offsetBytes}: ${what}`);
    this.name = 'DamagedLogError';
  }
}

/** The records of one line without its line feed, or undefined when the line is not one that was written whole. */
function recordsOfLine(line: Buffer): unknown[] | undefined {
  if (line.length < checksumCharacters + 1 || line[checksumCharacters] !== 0x20) return undefined;
  const json = line.subarray(checksumCharacters + 1);
  if (crc32(json).toString(16).padStart(checksumCharacters, '0') !== line.toString('latin1', 0, checksumCharacters))
    return undefined;
  try {
    const records: unknown = JSON.parse(json.toString('utf8'));
    return Array.isArray(records) ? records : undefined;
  } catch {
    return undefined;
  }
}

type Line = { readonly bytes: Buffer; readonly offsetBytes: number; readonly ended: boolean };

/** The lines of a file. What is longer than a line may be comes in pieces, which are no lines of a log either. */
async function* linesOf(file: FileHandle): AsyncGenerator<Line> {
  let rest = Buffer.alloc(0);
  let offsetBytes = 0;
  for (let position = 0; ;) {
    const chunk = Buffer.allocUnsafe(readBytes);
    const { bytesRead } = await file.read(chunk, 0, readBytes, position);
    position += bytesRead;
    rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    for (let end = rest.indexOf(lineFeed); end !== -1; end = rest.indexOf(lineFeed)) {
      yield { bytes: rest.subarray(0, end), offsetBytes, ended: true };
      offsetBytes += end + 1;
      rest = rest.subarray(end + 1);
    }
    if (rest.length > lineBytesMax || (bytesRead === 0 && rest.length > 0)) {
      yield { bytes: rest, offsetBytes, ended: false };
      offsetBytes += rest.length;
      rest = Buffer.alloc(0);
    }
    if (bytesRead === 0) return;
  }
}

/**
 * Hands every record of a log to `onRecord`. Answers how many bytes are good and how many behind them are a torn last line.
 * Throws a `DamagedLogError` when a good line follows a bad one, and what `onRecord` throws.
 */
export async function scanRecords(
  file: FileHandle,
  path: string,
  onRecord: (record: unknown) => void,
): Promise<{ goodBytes: number; tornBytes: number }> {
  let goodBytes = 0;
  let seenBytes = 0;
  let badAt: number | undefined;
  for await (const { bytes, offsetBytes, ended } of linesOf(file)) {
    seenBytes = offsetBytes + bytes.length + (ended ? 1 : 0);
    const records = ended ? recordsOfLine(bytes) : undefined;
    if (records === undefined) {
      badAt ??= offsetBytes;
      continue;
    }
    if (badAt !== undefined) throw new DamagedLogError(path, badAt, `a good line follows at byte ${offsetBytes}`);
    records.forEach(onRecord);
    goodBytes = seenBytes;
  }
  return { goodBytes, tornBytes: seenBytes - goodBytes };
}
