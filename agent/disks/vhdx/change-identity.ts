import type { Outcome } from '../../../contracts/failure';
import { namingFile, outcomeOf, valueOf } from '../failures';
import { nodeFiles, type DiskFiles } from '../file';
import { HeaderSlots } from './header-slots';
import { parseVhdx } from './parse';

/**
 * Gives the content of a VHDX another data write id, which decides which children accept it as their parent. Durable when it returns.
 * Failures as of `openVhdx`.
 */
export function changeDataWriteId(
  path: string,
  dataWriteId: string,
  options: { readonly newGuid: () => string; readonly files?: DiskFiles },
): Promise<Outcome<void>> {
  return outcomeOf(async () => {
    const file = await (options.files ?? nodeFiles).open(path, 'write');
    try {
      const { current } = valueOf(namingFile(path, await parseVhdx(file, 'write')));
      if (current.header.dataWriteId === dataWriteId) return;
      await new HeaderSlots(file, current).change({ fileWriteId: options.newGuid(), dataWriteId });
    } finally {
      await file.close();
    }
  });
}
