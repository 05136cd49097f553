import { succeeded, type Outcome } from '../../../contracts/failure';
import { damaged, truncated } from '../failures';
import type { DiskFile } from '../file';
import { zeroGuid } from './guid';
import type { Header } from './header';
import { fileBytesMax, logSectorBytes, logZeroedBytesMax } from './layout';
import { findLogEntries, type LogEntry, type LogStep } from './log-entry';

/** What a file needs before its tables may be believed. */
export type Replay = {
  readonly steps: readonly LogStep[];
  /** The file is extended to this length with zeros. */
  readonly fileBytesMin: number;
};

/**
 * What the log of a file asks for, or undefined when it holds nothing (MS-VHDX 2.3.3). Failures: `DiskDamaged` when the header says
 * that the log is in use and no whole sequence of entries is there, `DiskTruncated` when the file is shorter than it was when the log
 * was written.
 */
export async function planReplay(file: DiskFile, header: Header): Promise<Outcome<Replay | undefined>> {
  if (header.logId === zeroGuid) return succeeded(undefined);
  const bytes = Buffer.alloc(header.logLengthBytes);
  await file.read(bytes, header.logOffsetBytes);
  const log = { what: 'log', offsetBytes: header.logOffsetBytes, lengthBytes: header.logLengthBytes };
  const run = activeRun(findLogEntries(bytes, header.logId, log), header.logLengthBytes);
  if (run === undefined) return damaged('says that its log is in use, but the log holds no whole sequence of entries');
  const flushed = Math.max(...run.map((entry) => entry.flushedFileBytes));
  if (flushed > file.sizeBytes)
    return truncated(`ends at byte ${file.sizeBytes}; when its log was written it had ${flushed} bytes`);
  const fileBytesMin = Math.max(...run.map((entry) => entry.lastFileBytes));
  const steps = run.flatMap((entry) => entry.steps);
  let zeroed = 0;
  for (const step of steps) zeroed += step.kind === 'zero' ? step.lengthBytes : 0;
  if (zeroed > logZeroedBytesMax || fileBytesMin > fileBytesMax)
    return damaged(`has a log that zeroes ${zeroed} bytes and needs a file of ${fileBytesMin} bytes`);
  return succeeded({ steps, fileBytesMin });
}

/**
 * The entries to replay: those from the tail of the newest entry to that entry, each following the one before without a gap. An entry
 * whose tail is not in the run before it does not count.
 */
function activeRun(entries: readonly LogEntry[], logLengthBytes: number): LogEntry[] | undefined {
  const runs = runsOf(entries, logLengthBytes);
  let newest: { run: LogEntry[]; from: number; to: number } | undefined;
  for (const run of runs) {
    const indexes = new Map(run.map((entry, index) => [entry.atBytes, index]));
    for (const [to, entry] of run.entries()) {
      const from = indexes.get(entry.tailBytes);
      if (from === undefined || from > to) continue;
      const before = newest?.run[newest.to];
      if (before === undefined || entry.sequence > before.sequence) newest = { run, from, to };
    }
  }
  return newest?.run.slice(newest.from, newest.to + 1);
}

/** Entries that stand one behind the other in the ring with sequence numbers one apart, in as long runs as there are. */
function runsOf(entries: readonly LogEntry[], logLengthBytes: number): LogEntry[][] {
  const byPlace = new Map(entries.map((entry) => [entry.atBytes, entry]));
  const nextOf = (entry: LogEntry): LogEntry | undefined => {
    const next = byPlace.get((entry.atBytes + entry.lengthBytes) % logLengthBytes);
    return next?.sequence === entry.sequence + 1n ? next : undefined;
  };
  const followers = new Set(entries.map(nextOf));
  return entries
    .filter((entry) => !followers.has(entry))
    .map((first) => {
      const run: LogEntry[] = [];
      for (let entry: LogEntry | undefined = first; entry !== undefined; entry = nextOf(entry)) run.push(entry);
      return run;
    });
}

const zeroSector = Buffer.alloc(logSectorBytes);

/** Carries a replay out in the file; durable when it returns. Doing it again changes nothing. */
export async function replayIntoFile(file: DiskFile, replay: Replay): Promise<void> {
  if (file.sizeBytes < replay.fileBytesMin) await file.resize(replay.fileBytesMin);
  for (const step of replay.steps) {
    if (step.kind === 'data') {
      await file.write(step.bytes, step.offsetBytes);
      continue;
    }
    const end = step.offsetBytes + step.lengthBytes;
    for (let at = step.offsetBytes; at < end; at += zeroPiece.length)
      await file.write(zeroPiece.subarray(0, Math.min(zeroPiece.length, end - at)), at);
  }
  await file.sync();
}

const zeroPiece = Buffer.alloc(256 * logSectorBytes);

/** A file as it would be after a replay, without touching it. Reading only. */
export class ReplayedFile implements DiskFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #file: DiskFile;
  readonly #sectors = new Map<number, Buffer>();

  constructor(file: DiskFile, replay: Replay) {
    this.path = file.path;
    this.#file = file;
    let end = Math.max(file.sizeBytes, replay.fileBytesMin);
    for (const step of replay.steps) {
      const lengthBytes = step.kind === 'data' ? logSectorBytes : step.lengthBytes;
      for (let at = step.offsetBytes; at < step.offsetBytes + lengthBytes; at += logSectorBytes)
        this.#sectors.set(at, step.kind === 'data' ? step.bytes : zeroSector);
      end = Math.max(end, step.offsetBytes + lengthBytes);
    }
    this.sizeBytes = end;
  }

  async read(target: Uint8Array, offsetBytes: number): Promise<void> {
    const held = this.#heldBytes(target, offsetBytes);
    await this.#file.read(target.subarray(0, held), offsetBytes);
    this.#overlay(target, offsetBytes, held);
  }

  readNow(target: Uint8Array, offsetBytes: number): void {
    const held = this.#heldBytes(target, offsetBytes);
    this.#file.readNow(target.subarray(0, held), offsetBytes);
    this.#overlay(target, offsetBytes, held);
  }

  write(): Promise<void> {
    return Promise.reject(new TypeError('a file that is replayed in memory is not written'));
  }

  resize(): Promise<void> {
    return this.write();
  }

  sync(): Promise<void> {
    return this.write();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** Bytes of the target that the file itself has; what is past even the replayed end is asked of the file, which refuses. */
  #heldBytes(target: Uint8Array, offsetBytes: number): number {
    if (offsetBytes + target.length > this.sizeBytes) return target.length;
    return Math.max(0, Math.min(target.length, this.#file.sizeBytes - offsetBytes));
  }

  #overlay(target: Uint8Array, offsetBytes: number, held: number): void {
    target.fill(0, held);
    const end = offsetBytes + target.length;
    for (let at = offsetBytes - (offsetBytes % logSectorBytes); at < end; at += logSectorBytes) {
      const sector = this.#sectors.get(at);
      if (sector === undefined) continue;
      const from = Math.max(at, offsetBytes);
      const to = Math.min(at + logSectorBytes, end);
      target.set(sector.subarray(from - at, to - at), from - offsetBytes);
    }
  }
}
