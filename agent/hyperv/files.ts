import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { z } from 'zod';
import { ifExists, syncFolder, unfinishedSuffix, writeFileDurably } from '../files';

export const exists = async (path: string): Promise<boolean> => (await ifExists(stat(path))) !== undefined;

/** Makes a folder with its missing parents, and the entries that name them durable. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Replaces a JSON file as a whole, and makes the folder for it when there is none. */
export async function writeJsonAtomic(path: string, value: unknown): Promise<void> {
  await makeFolder(dirname(path));
  await writeFileDurably(path, jsonText(value));
}

/** JSON as the state files have it. */
export const jsonText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** The state files of a host are small; one that is not was not written by us. */
const stateFileBytesMax = 8 * 1024 * 1024;

export type JsonFile<T> =
  | { readonly state: 'read'; readonly value: T }
  | { readonly state: 'absent' }
  | { readonly state: 'damaged'; readonly reason: string };

/** Reads a JSON file that anybody may have changed, and says in words what is wrong with it. */
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<JsonFile<T>> {
  const facts = await ifExists(stat(path));
  if (facts === undefined) return { state: 'absent' };
  if (facts.size > stateFileBytesMax)
    return { state: 'damaged', reason: `it is ${facts.size} bytes long, more than ${stateFileBytesMax}` };
  const text = await ifExists(readFile(path, 'utf8'));
  // Another host may remove the file between the look and the reading.
  if (text === undefined) return { state: 'absent' };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { state: 'damaged', reason: 'it is not JSON' };
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return { state: 'read', value: parsed.data };
  const issue = parsed.error.issues[0];
  return { state: 'damaged', reason: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not of this schema'}` };
}

/**
 * Removes a file or a folder with all that is in it, durably. Already gone is fine. Another host may write into a shared folder while it
 * goes, which makes the system say that it is not empty: it is tried again then.
 */
export async function removeDurably(path: string): Promise<void> {
  if (!(await exists(path))) return;
  await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  await syncFolder(dirname(path));
}

export type FoundFile = { readonly path: string; readonly sizeBytes: number; readonly allocatedBytes: number };

/** Every regular file below a folder; symbolic links are not followed. What vanishes meanwhile is left out. */
export async function filesBelow(folder: string): Promise<FoundFile[]> {
  const entries = (await ifExists(readdir(folder, { withFileTypes: true }))) ?? [];
  const found: FoundFile[] = [];
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await filesBelow(path)));
    if (!entry.isFile()) continue;
    const facts = await ifExists(stat(path));
    if (facts !== undefined) found.push({ path, sizeBytes: facts.size, allocatedBytes: facts.blocks * 512 });
  }
  return found;
}

/** Removes what `writeFileDurably` left below a folder when its process ended in the middle. Nobody may be writing there. */
export async function removeUnfinishedWrites(folder: string): Promise<void> {
  for (const { path } of await filesBelow(folder)) if (path.endsWith(unfinishedSuffix)) await removeDurably(path);
}
