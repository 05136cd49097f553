import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { describeThrown } from '../../contracts/failure';
import { isMissing, syncFolder } from '../files';
import { errorCode } from '../thrown';
import { lineBytesMax, scanRecords } from './record-scan';

/** Records that wait for the disk together share a line up to about this length. */
const sharedLineBytesMax = 256 * 1024;

/** An append did not become durable. `rolledBack`: the file is as it was before, so the record will not turn up later. */
export class AppendError extends Error {
  readonly rolledBack: boolean;
  /** The code of the system error behind it, if it was one. */
  readonly code: string | undefined;
  constructor(cause: unknown, rolledBack: boolean) {
    super(`the log was not written: ${describeThrown(cause)}`, { cause });
    this.name = 'AppendError';
    this.rolledBack = rolledBack;
    this.code = errorCode(cause);
  }
}

/** One line of a log: the CRC-32 of the rest as eight hex digits, a space, a JSON array of records, a line feed. */
export function encodeLine(recordTexts: readonly string[]): Buffer {
  const json = `[${recordTexts.join(',')}]`;
  return Buffer.from(`${crc32(json).toString(16).padStart(8, '0')} ${json}\n`);
}

type Waiting<R> = { readonly record: R; readonly text: string; readonly done: PromiseWithResolvers<undefined> };

/** What a log does with its records. */
export type RecordUse<R> = {
  /** A record that was read from the file; throws when it is none. */
  readonly parse: (json: unknown) => R;
  /** Called once for each record in order, when it is known to be durable: for those in the file at opening, for others after their append. */
  readonly apply: (record: R) => void;
};

/**
 * An append-only log of JSON records with a checksum a line. `append` resolves when the record survives a power loss.
 *
 * Each write is one line and is synced before the next begins, so a crash tears the last line at most. Opening cuts a torn last line
 * off (it was never acknowledged) and refuses a damaged line that has a good one behind it: that is not a crash, and records are missing.
 */
export class RecordLog<R> {
  readonly #path: string;
  readonly #use: RecordUse<R>;
  #file: FileHandle;
  #sizeBytes: number;
  #waiting: Waiting<R>[] = [];
  /** Whoever writes the file now; one at a time. */
  #writer: Promise<void> | undefined;
  /** Whether something may stand behind the good end that could not be cut off: the next append does that first. */
  #hasRest = false;

  private constructor(path: string, use: RecordUse<R>, file: FileHandle, sizeBytes: number) {
    this.#path = path;
    this.#use = use;
    this.#file = file;
    this.#sizeBytes = sizeBytes;
  }

  /**
   * Opens or makes the log at `path`. Answers how many bytes of a torn last line were cut off. Throws a `DamagedLogError` when the log
   * is damaged, and what `parse`, `apply` or the file system throws.
   */
  static async open<R>(path: string, use: RecordUse<R>): Promise<{ log: RecordLog<R>; cutOffBytes: number }> {
    await rm(`${path}.new`, { force: true });
    const file = await openOrMake(path);
    try {
      const { goodBytes, tornBytes } = await scanRecords(file, path, (json) => use.apply(use.parse(json)));
      if (tornBytes > 0) {
        await file.truncate(goodBytes);
        await file.sync();
      }
      return { log: new RecordLog(path, use, file, goodBytes), cutOffBytes: tornBytes };
    } catch (thrown) {
      await file.close();
      throw thrown;
    }
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /**
   * Rejects with an `AppendError` when the record did not become durable. A record that could not be read again is not written: it rejects
   * with what `parse` throws, or with a `RangeError` when it is too long for a line.
   */
  async append(written: R): Promise<void> {
    const text = JSON.stringify(written);
    if (Buffer.byteLength(text) > lineBytesMax - 64)
      throw new RangeError(`a record of ${text.length} characters is longer than a line of the log may be`);
    const record = this.#use.parse(JSON.parse(text));
    const done = Promise.withResolvers<undefined>();
    this.#waiting.push({ record, text, done });
    this.#writer ??= this.#writeWaiting();
    await done.promise;
  }

  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#nextBatch();
      try {
        await this.#writeLine(encodeLine(batch.map(({ text }) => text)));
        for (const { record } of batch) this.#use.apply(record);
        for (const { done } of batch) done.resolve(undefined);
      } catch (thrown) {
        for (const { done } of batch) done.reject(thrown);
      }
    }
    this.#writer = undefined;
  }

  #nextBatch(): Waiting<R>[] {
    let lengthBytes = 0;
    const fits = this.#waiting.findIndex(({ text }, index) => {
      lengthBytes += Buffer.byteLength(text);
      return index > 0 && lengthBytes > sharedLineBytesMax;
    });
    return this.#waiting.splice(0, fits === -1 ? this.#waiting.length : fits);
  }

  async #writeLine(line: Buffer): Promise<void> {
    await this.#cutOffRest();
    try {
      await writeAll(this.#file, line, this.#sizeBytes);
      await this.#file.datasync();
      this.#sizeBytes += line.length;
    } catch (thrown) {
      throw await this.#rollBack(thrown);
    }
  }

  async #rollBack(cause: unknown): Promise<AppendError> {
    this.#hasRest = true;
    try {
      await this.#cutOffRest();
      return new AppendError(cause, true);
    } catch {
      return new AppendError(cause, false);
    }
  }

  /** A disk that took nothing for a while may take it now. Throws an AppendError when it does not; then nothing was written. */
  async #cutOffRest(): Promise<void> {
    if (!this.#hasRest) return;
    try {
      await this.#file.truncate(this.#sizeBytes);
      this.#hasRest = false;
    } catch (thrown) {
      throw new AppendError(thrown, true);
    }
  }

  /**
   * Replaces all records by those of `records()`, which is called when nothing is being written: after a crash the log holds either the
   * old ones or these. Appends that come meanwhile wait. Throws what the file system throws; the old records are then still there.
   */
  async replace(records: () => Iterable<R>): Promise<void> {
    while (this.#writer !== undefined) await this.#writer;
    const replacing = this.#replaceNow(records);
    this.#writer = replacing.catch(() => undefined).then(() => this.#writeWaiting());
    await replacing;
  }

  async #replaceNow(records: () => Iterable<R>): Promise<void> {
    const beside = `${this.#path}.new`;
    const next = await open(beside, 'w', 0o600);
    let sizeBytes = 0;
    try {
      for (const record of records()) {
        const line = encodeLine([JSON.stringify(record)]);
        await writeAll(next, line, sizeBytes);
        sizeBytes += line.length;
      }
      await next.sync();
    } finally {
      await next.close();
    }
    // Windows renames over no file that is open.
    await this.#file.close();
    try {
      await rename(beside, this.#path);
      this.#sizeBytes = sizeBytes;
      this.#hasRest = false;
      await syncFolder(dirname(this.#path));
    } finally {
      this.#file = await open(this.#path, 'r+');
    }
  }

  async close(): Promise<void> {
    while (this.#writer !== undefined) await this.#writer;
    await this.#file.close();
  }
}

async function openOrMake(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown;
    const file = await open(path, 'wx+', 0o600);
    await file.sync();
    await syncFolder(dirname(path));
    return file;
  }
}

async function writeAll(file: FileHandle, data: Buffer, position: number): Promise<void> {
  let written = 0;
  while (written < data.length) {
    const { bytesWritten } = await file.write(data, written, data.length - written, position + written);
    written += bytesWritten;
  }
}
