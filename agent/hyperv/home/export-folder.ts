import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import type { RunId } from '../../../contracts/ids';
import type { DriverContext } from '../driver';
import { ifExists } from '../../files';
import { exists } from '../files';
import { meterOf, type Workshop } from './work';

/** Folders of an export, as Hyper-V names them. */
export const exportLayout = (folder: string) => ({
  folder,
  disks: join(folder, 'Virtual Hard Disks'),
  machines: join(folder, 'Virtual Machines'),
  configuration: (vmId: string) => join(folder, 'Virtual Machines', `${vmId}.vmcx`),
  savedState: (vmId: string) => join(folder, 'Virtual Machines', `${vmId}.vmrs`),
});

/** Where a run writes an export before it is one. */
export const unpublishedFolder = (folder: string, vmName: string, run: RunId): string =>
  join(folder, `${safeName(vmName)}.${run}.exporting`);
export const publishedFolder = (folder: string, vmName: string): string => join(folder, safeName(vmName));

/** A VM's name is anybody's text; as the name of a folder it keeps only what every file system takes, and is no device of Windows. */
const safeName = (name: string): string =>
  name
    .replaceAll(/[^\p{L}\p{N} _.-]/gu, '_')
    .replace(/^\.+/, '_')
    .slice(0, 100)
    .replace(/[ .]+$/, '_')
    .replace(/^(?=(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$))/i, '_');

export type FileCopy = { readonly from: string; readonly to: string };

/**
 * Copies files one after another, each under another name until it is whole and durable, with the progress of all of them. A file that is
 * there already was copied by an earlier attempt.
 */
export async function copyFiles(
  { clock }: Pick<Workshop, 'clock'>,
  context: DriverContext,
  copies: readonly FileCopy[],
): Promise<Outcome<number>> {
  const sizes = await Promise.all(copies.map(async ({ from }) => (await stat(from)).size));
  const bytesTotal = sizes.reduce((sum, size) => sum + size, 0);
  const meter = meterOf(clock, context);
  let bytesDone = 0;
  for (const [index, { from, to }] of copies.entries()) {
    const count = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        bytesDone += chunk.length;
        meter({ bytesDone, bytesTotal });
        done(null, chunk);
      },
    });
    if (await exists(to)) bytesDone += sizes[index] ?? 0;
    else if (!(await copyOne(from, to, count, context.signal)))
      return failed(failureOf('CanceledByOperator', { message: `The copy to ${to} was stopped.`, effect: 'applied' }));
    meter({ bytesDone, bytesTotal });
  }
  return succeeded(bytesTotal);
}

async function copyOne(from: string, to: string, through: Transform, signal: AbortSignal): Promise<boolean> {
  const partial = `${to}.partial`;
  try {
    await pipeline(createReadStream(from, { highWaterMark: 1024 * 1024 }), through, createWriteStream(partial), {
      signal,
    });
  } catch (thrown) {
    if (signal.aborted) return false;
    throw thrown;
  }
  const handle = await open(partial, 'r+');
  await handle.sync();
  await handle.close();
  await ifExists(rename(partial, to));
  return true;
}
