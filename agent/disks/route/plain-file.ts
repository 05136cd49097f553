import { stat } from 'node:fs/promises';
import { blockBytesMax } from '../../../contracts/limits';
import { isMissing } from '../../files';
import { ioError } from '../failures';
import { nodeFiles, type DiskFile } from '../file';
import type { SourceContent, TargetContent } from './content';

/** A plain file as content: one extent. Throws `DiskError`. */
export async function openPlainSource(path: string): Promise<SourceContent> {
  const file = await nodeFiles.open(path, 'read');
  const { mtimeNs } = await stat(path, { bigint: true }).catch(async (thrown: unknown) => {
    await file.close();
    throw ioError(thrown, 'reading the time of change', path, 'none');
  });
  const fileSizeBytes = file.sizeBytes;
  return {
    facts: { type: 'file', fileSizeBytes, modifiedAtNs: String(mtimeNs) },
    *extents(fromBytes) {
      if (fromBytes < fileSizeBytes) yield { offsetBytes: 0, lengthBytes: fileSizeBytes, kind: 'data' };
    },
    read: (target, offsetBytes) => file.read(target, offsetBytes),
    close: () => file.close(),
  };
}

/** A new plain file of this length that reads zero. Throws `DiskError`: `DestinationOccupied` when the name is taken. */
export async function createPlainTarget(path: string, sizeBytes: number): Promise<TargetContent> {
  const file = await nodeFiles.create(path);
  try {
    await file.resize(sizeBytes);
    await nodeFiles.syncFolderOf(path);
    return plainTarget(file);
  } catch (thrown) {
    await file.close();
    throw thrown;
  }
}

/** A plain file that an earlier attempt began; undefined when it is not there or has another length. Throws `DiskError`. */
export async function reopenPlainTarget(path: string, sizeBytes: number): Promise<TargetContent | undefined> {
  const file = await nodeFiles.open(path, 'write').catch((thrown: unknown) => {
    if (thrown instanceof Error && isMissing(thrown.cause)) return undefined;
    throw thrown;
  });
  if (file === undefined) return undefined;
  if (file.sizeBytes === sizeBytes) return plainTarget(file);
  await file.close();
  return undefined;
}

const plainTarget = (file: DiskFile): TargetContent => ({
  write: (data, offsetBytes) => file.write(data, offsetBytes),
  writeZeros: async (offsetBytes, lengthBytes) => {
    const zeros = Buffer.alloc(Math.min(lengthBytes, blockBytesMax));
    for (let done = 0; done < lengthBytes; done += zeros.length)
      await file.write(zeros.subarray(0, lengthBytes - done), offsetBytes + done);
  },
  flush: () => file.sync(),
  close: () => file.close(),
});
