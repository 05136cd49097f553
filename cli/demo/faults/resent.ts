import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeJournal, type JournalRecord } from '../../../agent/disks/route/journal-records';
import { homeLayout } from '../../../agent/hyperv/home/layout';

/**
 * What was received for one file and has to come again, or came again already: bytes of data received in all attempts, less those up to
 * the durable watermark. Exact when nothing is on the way, as when the process of the destination is dead or the pull is finished.
 */
export function beyondWatermarkBytes(records: readonly JournalRecord[]): number {
  let receivedBytes = 0;
  let durableBytes = 0;
  for (const record of records) {
    switch (record.record) {
      case 'begin':
        receivedBytes = 0;
        durableBytes = 0;
        break;
      case 'mark':
        receivedBytes = record.sentBytes;
        durableBytes = record.dataBytes;
        break;
      case 'received':
        receivedBytes = record.sentBytes;
        break;
      case 'finish':
        return record.output.resentBytes;
      case 'mismatch':
        break;
    }
  }
  return receivedBytes - durableBytes;
}

/** The sum over all pulls of the VM in that home, from their journals; undefined when there are none. */
export function readBeyondWatermark(vmHome: string): number | undefined {
  const { journals } = homeLayout(vmHome);
  if (!existsSync(journals)) return undefined;
  const files = readdirSync(journals).map((name) => join(journals, name));
  return files.reduce((sum, file) => {
    const decoded = decodeJournal(readFileSync(file));
    return decoded.ok ? sum + beyondWatermarkBytes(decoded.records) : sum;
  }, 0);
}

/** Where the bytes sent again were counted exactly: after that kill (its number within the run), or at the end of the run. */
export type Reading = { readonly afterKill: number | 'end'; readonly totalBytes: number };

/** What a kill cost: exactly, or at most, when several kills lie between two readings. */
export type Cost = { readonly bytes: number; readonly exact: boolean };

/**
 * What each of the `kills` kills of a run cost. Between two readings the count grew by what the kills between them cost together; where
 * that is more than nothing and they are several, each is charged with all of it.
 */
export function costsOf(kills: number, readings: readonly Reading[]): Cost[] {
  const costs: Cost[] = [];
  let countedBytes = 0;
  for (const { afterKill, totalBytes } of readings) {
    const upTo = afterKill === 'end' ? kills : afterKill + 1;
    const bytes = Math.max(0, totalBytes - countedBytes);
    const exact = bytes === 0 || upTo - costs.length === 1;
    while (costs.length < upTo) costs.push({ bytes, exact });
    countedBytes = Math.max(countedBytes, totalBytes);
  }
  return costs;
}
