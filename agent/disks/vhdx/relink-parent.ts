import type { Outcome } from '../../../contracts/failure';
import { chainBroken, namingFile, outcomeOf, valueOf } from '../failures';
import { nodeFiles, type DiskFiles } from '../file';
import { HeaderSlots } from './header-slots';
import { encodeParentLocator } from './parent-locator';
import { parseVhdx } from './parse';
import { replaceMetadataItem } from './replace-item';

const parentLocatorId = 'a8d35f2d-b30b-454d-abf7-d3d84834ab0c';

/**
 * Tells a differencing disk that its parent is at `relativePath` from its own folder, and nowhere else; which content the parent must
 * have stays as it is. The new locator is durable before the table of the metadata names it (MS-VHDX 2.6.1), so that an interruption
 * leaves the old one. Asked again, it changes nothing.
 *
 * Failures: those of `openVhdx`, and `DiskChainBroken` when the image has no parent.
 */
export function relinkParent(
  path: string,
  relativePath: string,
  options: { readonly newGuid: () => string; readonly files?: DiskFiles },
): Promise<Outcome<void>> {
  return outcomeOf(async () => {
    const file = await (options.files ?? nodeFiles).open(path, 'write');
    try {
      const { current, regions, metadata } = valueOf(namingFile(path, await parseVhdx(file, 'write')));
      if (metadata.parent === undefined) {
        valueOf(chainBroken(`${path}: is not a differencing disk`));
        return;
      }
      const { absolutePath: _former, ...link } = metadata.parent;
      const locator = encodeParentLocator({ ...link, relativePath });
      if (locator.equals(encodeParentLocator(metadata.parent))) return;
      await new HeaderSlots(file, current).change({ fileWriteId: options.newGuid() });
      valueOf(namingFile(path, await replaceMetadataItem(file, regions.metadata, parentLocatorId, locator)));
    } finally {
      await file.close();
    }
  });
}
