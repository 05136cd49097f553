import { copyFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The recordings of the real engine; they lie beside the project and are not part of it. */
export const recordingsFolder = resolve(__dirname, '../../../../shared/conformance/durable');

/** False, with the reason printed, where the recordings are not at hand. */
export function hasRecordings(): boolean {
  if (existsSync(join(recordingsFolder, 'turns'))) return true;
  process.stdout.write(`skipped: the recordings of the real engine are not at ${recordingsFolder}\n`);
  return false;
}

export type RecordedTurn = {
  readonly function: string;
  readonly payload: { readonly history: readonly object[]; readonly instanceId: string; readonly input: unknown };
  readonly result: unknown;
};
export type RecordedInstance = {
  readonly file: string;
  readonly function: string;
  readonly turns: readonly RecordedTurn[];
};

export function recordedInstances(): RecordedInstance[] {
  const folder = join(recordingsFolder, 'turns');
  return readdirSync(folder)
    .sort()
    .map((file) => ({ ...(readJson(join(folder, file)) as Omit<RecordedInstance, 'file'>), file }));
}

export type RecordedExchange = {
  readonly req: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
};

export const recordedExchanges = (): Record<string, RecordedExchange[]> =>
  readJson(join(recordingsFolder, 'http.json')) as Record<string, RecordedExchange[]>;

/** Puts a copy of the recorded functions where their packages can be found, and returns its path. */
export function copyRecordedFunctions(toFolder: string): string {
  const copy = join(toFolder, 'recorded-functions.js');
  copyFileSync(join(recordingsFolder, 'orchestrations.js'), copy);
  return copy;
}

/** The recordings are trusted: they are data of this very test. */
function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}
