import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { succeeded, type Outcome } from '../../../contracts/failure';
import { openDisk } from '../../../agent/disks/chain';
import { ChainDisk } from '../../../agent/disks/chain-disk';
import { ioError, outcomeOf } from '../../../agent/disks/failures';
import type { Disk, ReadableImage } from '../../../agent/disks/image';
import { formatOfName } from '../../../agent/disks/open-image';
import { openRaw } from '../../../agent/disks/raw';
import type { CommandResult } from '../../context';
import { failureOfDisk } from './failure';
import { isRawName, rootsOf, type DiskOptions } from './options';

/** Whether a file is to be taken as a raw image: by its name, or because it was said of one whose name says nothing. */
export const isRaw = (path: string, options: DiskOptions): boolean =>
  isRawName(path) || (options.raw && formatOfName(path) === undefined);

/** Opens what a guest would see of a file and its chain, for reading only. */
export async function openForReading(path: string, options: DiskOptions): Promise<Outcome<Disk>> {
  if (!isRaw(path, options)) return openDisk(resolve(path), { access: 'read', roots: rootsOf(options, path) });
  const raw = await openRaw(resolve(path), 'read');
  return raw.ok ? succeeded(new ChainDisk([raw.value], undefined)) : raw;
}

/** Works with a disk that is open for reading, and closes it however that ends. */
export async function withDisk(
  path: string,
  options: DiskOptions,
  work: (disk: Disk) => Promise<CommandResult>,
): Promise<CommandResult> {
  const opened = await openForReading(path, options);
  if (!opened.ok) return failureOfDisk(opened.failure);
  try {
    return await work(opened.value);
  } finally {
    await opened.value.close();
  }
}

/** Changes when any of these files does: names, lengths, times of change and ids of content. */
export function identityOf(images: readonly ReadableImage[]): Promise<Outcome<string>> {
  return outcomeOf(async () => {
    const facts: unknown[] = [];
    for (const { path, fileSizeBytes, shape } of images)
      facts.push({ path, fileSizeBytes, modifiedAtNs: await modifiedAt(path), dataWriteId: shape.dataWriteId });
    return JSON.stringify(facts);
  });
}

async function modifiedAt(path: string): Promise<string> {
  try {
    return (await stat(path, { bigint: true })).mtimeNs.toString();
  } catch (thrown) {
    throw ioError(thrown, 'looking at', path, 'none');
  }
}
