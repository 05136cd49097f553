import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { describeThrown } from '../../contracts/failure';
import { httpBodyBytesMax } from '../../contracts/limits';
import { bad, good, type Result } from '../context';
import { badInput } from '../failure';
import { formatBytes } from '../output/format';

/** The JSON document in a file, or on standard input for `-`; at most as long as the HTTP interface takes, or as it is said. */
export async function readDocument(
  file: string,
  help: { readonly next: string; readonly tooLong: string; readonly field?: string },
  bytesMax: number = httpBodyBytesMax,
): Promise<Result<unknown>> {
  const field = help.field ?? 'FILE';
  const source: Readable = file === '-' ? process.stdin : createReadStream(file);
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of source) {
      if (!(chunk instanceof Buffer)) continue;
      length += chunk.length;
      if (length > bytesMax)
        return bad(
          badInput(`${file} is longer than ${formatBytes(bytesMax)}`, {
            field,
            value: file,
            remedy: help.tooLong,
          }),
        );
      chunks.push(chunk);
    }
  } catch (thrown) {
    return bad(
      badInput(`${file} cannot be read`, {
        detail: describeThrown(thrown),
        field,
        value: file,
        remedy: 'Check the path and the right to read it.',
      }),
    );
  }
  try {
    return good(JSON.parse(Buffer.concat(chunks).toString('utf8')));
  } catch (thrown) {
    return bad(
      badInput(`${file} is not JSON`, {
        detail: describeThrown(thrown),
        field,
        value: file,
        remedy: 'Correct the document.',
        next: help.next,
      }),
    );
  }
}
