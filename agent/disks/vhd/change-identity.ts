import type { Outcome } from '../../../contracts/failure';
import { namingFile, outcomeOf, valueOf } from '../failures';
import { nodeFiles, type DiskFiles } from '../file';
import { Footers } from './footers';
import { footerBytes } from './layout';
import { mendedFooters, readBlocks } from './open';
import { parseVhd } from './parse';

/**
 * Gives the content of a VHD another unique id, by which children know it as their parent. Durable when it returns. Failures as of
 * `openVhd`.
 */
export function changeUniqueId(
  path: string,
  uniqueId: string,
  options: { readonly files?: DiskFiles } = {},
): Promise<Outcome<void>> {
  return outcomeOf(async () => {
    const file = await (options.files ?? nodeFiles).open(path, 'write');
    try {
      const parsed = valueOf(namingFile(path, await parseVhd(file)));
      const { footer, dynamic } = parsed;
      if (footer.uniqueId === uniqueId && (dynamic === undefined || parsed.states.copy === 'intact')) return;
      const footers =
        dynamic === undefined
          ? new Footers(file, footer, file.sizeBytes - footerBytes)
          : await mendedFooters(parsed, (await readBlocks(file, footer, dynamic)).room);
      await footers.change({ uniqueId });
    } finally {
      await file.close();
    }
  });
}
