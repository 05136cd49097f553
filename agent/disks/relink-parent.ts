import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Outcome } from '../../contracts/failure';
import { ioError, outcomeOf, valueOf } from './failures';
import { formatOf } from './open-image';
import { relinkVhdParent } from './vhd';
import { relinkParent as relinkVhdxParent } from './vhdx/relink-parent';

/**
 * Tells a differencing disk that its parent is the file of this name beside it, and nowhere else; which content the parent must have
 * stays as it is. Durable when it returns. Asked again, it changes nothing, unless the parent of a VHD was changed since: a VHD also says
 * when that was.
 *
 * Failures: those of `openImage`, and `DiskChainBroken` when the image has no parent.
 */
export async function relinkParent(
  path: string,
  parentName: string,
  options: { readonly newGuid: () => string },
): Promise<Outcome<void>> {
  const format = await formatOf(path);
  if (!format.ok) return format;
  switch (format.value) {
    case 'vhd':
      return outcomeOf(async () => {
        const parentModifiedAtMs = await modifiedAtMsOf(resolve(dirname(path), parentName));
        valueOf(await relinkVhdParent(path, parentName, { parentModifiedAtMs }));
      });
    case 'vhdx':
      return relinkVhdxParent(path, parentName, options);
  }
}

async function modifiedAtMsOf(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (thrown) {
    throw ioError(thrown, 'reading the time of change', path, 'none');
  }
}
