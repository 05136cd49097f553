import type { Readable } from 'node:stream';

const newline = 0x0a;

export type LineEvents = {
  readonly line: (line: string) => void;
  /** A line grew longer than `bytesMax`. Nothing more is told of the stream. */
  readonly tooLong: () => void;
};

/** Cuts a stream into lines, of which none is held that is longer than `bytesMax`. */
export function readLines(stream: Readable, bytesMax: number, { line, tooLong }: LineEvents): void {
  let held: Buffer[] = [];
  let heldBytes = 0;
  const keep = (part: Buffer): void => {
    held.push(part);
    heldBytes += part.length;
  };
  const onData = (chunk: Buffer): void => {
    let from = 0;
    for (let at = chunk.indexOf(newline); at !== -1 && heldBytes <= bytesMax; at = chunk.indexOf(newline, from)) {
      keep(chunk.subarray(from, at));
      if (heldBytes > bytesMax) break;
      line(Buffer.concat(held).toString('utf8').replace(/\r$/, ''));
      held = [];
      heldBytes = 0;
      from = at + 1;
    }
    if (heldBytes <= bytesMax) keep(chunk.subarray(from));
    if (heldBytes <= bytesMax) return;
    held = [];
    stream.off('data', onData);
    stream.resume();
    tooLong();
  };
  stream.on('data', onData);
}
