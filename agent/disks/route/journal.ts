import { open, readFile, rename, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Outcome } from '../../../contracts/failure';
import type { OperationOutput } from '../../../contracts/operations';
import { isMissing, syncFolder } from '../../files';
import { ioError, outcomeOf } from '../failures';
import {
  decodeJournal,
  encodeRecord,
  type Beginning,
  type JournalRecord,
  type Mark,
  type Received,
} from './journal-records';

/** Rewritten when it is longer than this. */
const journalBytesMax = 256 * 1024;
/** Never written so long; a file that is has not been written by this code. */
const journalReadBytesMax = 16 * 1024 * 1024;

export const noMark: Mark = { watermarkBytes: 0, digest: '0'.repeat(64), dataBytes: 0, zeroBytes: 0, seedBytes: 0 };

export type JournalContent = {
  readonly beginning?: Beginning;
  readonly mark: Mark;
  readonly received: Received;
  /** Offsets of blocks that came damaged. */
  readonly mismatches: readonly number[];
  readonly output?: OperationOutput<'pull'>;
};

export const nothingReceived: Received = { sentBytes: 0, savedBytes: 0 };

const empty: JournalContent = { mark: noMark, received: nothingReceived, mismatches: [] };

function contentAfter(content: JournalContent, record: JournalRecord): JournalContent {
  switch (record.record) {
    case 'begin': {
      const { record: _, ...beginning } = record;
      return { ...empty, beginning };
    }
    case 'mark': {
      const { record: _, sentBytes, savedBytes, ...mark } = record;
      return { ...content, mark, received: { sentBytes, savedBytes } };
    }
    case 'received': {
      const { record: _, ...received } = record;
      return { ...content, received };
    }
    case 'mismatch':
      return { ...content, mismatches: [...content.mismatches, record.offsetBytes] };
    case 'finish':
      return { ...content, output: record.output };
  }
}

/** The records that say the same in the least space. */
function recordsOf({ beginning, mark, received, mismatches, output }: JournalContent): JournalRecord[] {
  if (beginning === undefined) return [];
  return [
    { record: 'begin', ...beginning },
    { record: 'mark', ...received, ...mark },
    ...mismatches.map((offsetBytes) => ({ record: 'mismatch' as const, offsetBytes })),
    ...(output ? [{ record: 'finish' as const, output }] : []),
  ];
}

/**
 * The journal of one pull: an append-only file of checksummed records. One pull at a time has it open. Its methods throw `DiskError`
 * (`DiskFull`, `IoFailed`); after that nothing more is to be written to it.
 */
export class Journal {
  readonly #path: string;
  #handle: FileHandle;
  #content: JournalContent;
  #records: number;
  #sizeBytes: number;
  #queue: Promise<void> = Promise.resolve();

  constructor(
    path: string,
    handle: FileHandle,
    found: { content: JournalContent; records: number; sizeBytes: number },
  ) {
    this.#path = path;
    this.#handle = handle;
    this.#content = found.content;
    this.#records = found.records;
    this.#sizeBytes = found.sizeBytes;
  }

  get content(): JournalContent {
    return this.#content;
  }

  /** Forgets what was there but for how much was received, and begins anew. Durable when it resolves. */
  begin(beginning: Beginning, received: Received): Promise<void> {
    return this.#inTurn(() => this.#rewrite({ ...empty, beginning, received }));
  }

  /** Takes a beginning back that nothing was made after. */
  forget(): Promise<void> {
    return this.#inTurn(() => this.#rewrite(empty));
  }

  /** Durable when it resolves. The file must be durable up to there before. */
  mark(mark: Mark, received: Received): Promise<void> {
    return this.#append({ record: 'mark', ...received, ...mark }, 'durable');
  }

  /** Survives the end of this process, not a power loss. */
  received(received: Received): Promise<void> {
    return this.#append({ record: 'received', ...received }, 'written');
  }

  /** Durable when it resolves. */
  mismatch(offsetBytes: number): Promise<void> {
    return this.#append({ record: 'mismatch', offsetBytes }, 'durable');
  }

  /** Durable when it resolves. */
  finish(output: OperationOutput<'pull'>): Promise<void> {
    return this.#append({ record: 'finish', output }, 'durable');
  }

  /** Waits for what is being written. */
  close(): Promise<void> {
    return this.#inTurn(() => this.#handle.close());
  }

  #append(record: JournalRecord, until: 'written' | 'durable'): Promise<void> {
    return this.#inTurn(async () => {
      const next = contentAfter(this.#content, record);
      if (this.#sizeBytes > journalBytesMax) return this.#rewrite(next);
      const line = Buffer.from(encodeRecord(this.#records, record));
      await this.#handle.write(line, 0, line.length, this.#sizeBytes);
      this.#sizeBytes += line.length;
      this.#records += 1;
      if (until === 'durable') await this.#handle.datasync();
      this.#content = next;
    });
  }

  async #rewrite(content: JournalContent): Promise<void> {
    const beside = `${this.#path}.new`;
    const records = recordsOf(content);
    const text = Buffer.from(records.map((record, number) => encodeRecord(number, record)).join(''));
    const written = await open(beside, 'w', 0o600);
    try {
      await written.writeFile(text);
      await written.sync();
    } finally {
      await written.close();
    }
    await this.#handle.close();
    await rename(beside, this.#path);
    await syncFolder(dirname(this.#path));
    this.#handle = await open(this.#path, 'r+');
    this.#content = content;
    this.#records = records.length;
    this.#sizeBytes = text.length;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(work).catch((thrown: unknown) => {
      throw ioError(thrown, 'writing the journal', this.#path, 'applied');
    });
    this.#queue = done.catch(() => undefined);
    return done;
  }
}

export type FoundJournal = { readonly existed: boolean; readonly damage?: string; readonly journal: Journal };

/**
 * Opens the journal of a pull, or makes it. What a crash tore off at its end is cut off. When it cannot be trusted, `damage` says why, and
 * all that may be done with it is to `begin` anew. `IoFailed`, `DiskFull`: the file cannot be read or made.
 */
export async function openJournal(path: string): Promise<Outcome<FoundJournal>> {
  return outcomeOf(async () => {
    try {
      return await foundAt(path);
    } catch (thrown) {
      throw ioError(thrown, 'opening the journal', path, 'none');
    }
  });
}

async function foundAt(path: string): Promise<FoundJournal> {
  const size = await stat(path).then(
    (found) => found.size,
    (thrown: unknown) => {
      if (isMissing(thrown)) return undefined;
      throw thrown;
    },
  );
  const tooLong = (size ?? 0) > journalReadBytesMax;
  const decoded = decodeJournal(size === undefined || tooLong ? Buffer.alloc(0) : await readFile(path));
  const handle = await open(path, size === undefined ? 'wx+' : 'r+', 0o600);
  const records = decoded.ok ? decoded.records : [];
  const sizeBytes = decoded.ok ? decoded.validBytes : 0;
  const damage = tooLong ? 'it is longer than any journal' : decoded.ok ? undefined : decoded.reason;
  if (damage === undefined) await handle.truncate(sizeBytes);
  const content = records.reduce(contentAfter, empty);
  const journal = new Journal(path, handle, { content, records: records.length, sizeBytes });
  return { existed: size !== undefined, journal, ...(damage === undefined ? {} : { damage }) };
}
