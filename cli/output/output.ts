import { printable, printableJson } from './printable';

/** What this program needs of a stream; `process.stdout` and `process.stderr` have it. */
export type TextStream = {
  write(text: string): boolean;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** Where the program speaks: data on standard output, everything said about it on standard error. */
export type Output = {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  /** One line of data. Control characters are replaced. */
  readonly line: (text: string) => void;
  readonly lines: (texts: readonly string[]) => void;
  /** One line to the person who runs the program, not part of the data. */
  readonly note: (text: string) => void;
  /** A document, indented. */
  readonly json: (document: unknown) => void;
  /** A document on one line, for streams of documents. */
  readonly jsonLine: (document: unknown) => void;
};

export function createOutput(stdout: TextStream, stderr: TextStream): Output {
  const line = (text: string): void => void stdout.write(`${printable(text)}\n`);
  return {
    stdout,
    stderr,
    line,
    lines: (texts) => texts.forEach(line),
    note: (text) => void stderr.write(`${printable(text)}\n`),
    json: (document) => void stdout.write(`${printableJson(JSON.stringify(document, null, 2))}\n`),
    jsonLine: (document) => void stdout.write(`${printableJson(JSON.stringify(document))}\n`),
  };
}
