import { basename } from 'node:path/win32';
import type { Outcome } from '../../../contracts/failure';
import { chainBroken, namingFile, outcomeOf, valueOf } from '../failures';
import { nodeFiles, type DiskFile, type DiskFiles } from '../file';
import type { ParentLink } from '../image';
import { roundUp } from '../vhdx/numbers';
import { secondsSince2000 } from './footer';
import { newHeader, withParentTime, type LocatorPlace } from './header';
import { headerBytes, sectorBytes } from './layout';
import { mendedFooters, readBlocks } from './open';
import { encodeLocators, windowsRelative } from './parent';
import { parseVhd, type ParsedDynamic, type ParsedVhd } from './parse';

export type VhdRelinkOptions = {
  readonly files?: DiskFiles;
  /** When the file of the parent was changed last, in milliseconds since 1970; Windows has an error for a child that says otherwise. */
  readonly parentModifiedAtMs: number;
};

/**
 * Tells a differencing VHD that its parent is at `relativePath` from its own folder, and nowhere else; which content the parent must have
 * stays as it is. Other paths need a header of more than one sector, which is written behind everything before the footer names it, so
 * that an interruption leaves the old one; the time alone is in one sector and is changed in its place. Asked again, it changes nothing.
 *
 * Failures: those of `openVhd`, and `DiskChainBroken` when the image has no parent.
 */
export function relinkVhdParent(path: string, relativePath: string, options: VhdRelinkOptions): Promise<Outcome<void>> {
  return outcomeOf(async () => {
    const file = await (options.files ?? nodeFiles).open(path, 'write');
    try {
      const parsed = valueOf(namingFile(path, await parseVhd(file)));
      const { dynamic } = parsed;
      const parentModifiedAtS = secondsSince2000(options.parentModifiedAtMs);
      if (dynamic?.parent === undefined) valueOf(chainBroken(`${path}: is not a differencing disk`));
      else if (isOnly(dynamic.parent, relativePath)) await setTime(file, dynamic, parentModifiedAtS);
      else await setPath(parsed, dynamic, { relativePath, parentModifiedAtS });
    } finally {
      await file.close();
    }
  });
}

const isOnly = ({ relativePath, absolutePath }: ParentLink, wanted: string): boolean =>
  absolutePath === undefined && relativePath !== undefined && windowsRelative(relativePath) === windowsRelative(wanted);

async function setTime(file: DiskFile, { header, headerOffsetBytes }: ParsedDynamic, seconds: number): Promise<void> {
  if (header.parentModifiedAtS === seconds) return;
  await file.write(withParentTime(header, seconds).raw.subarray(0, sectorBytes), headerOffsetBytes);
  await file.sync();
}

async function setPath(
  parsed: ParsedVhd,
  dynamic: ParsedDynamic,
  { relativePath, parentModifiedAtS }: { readonly relativePath: string; readonly parentModifiedAtS: number },
): Promise<void> {
  const { file, footer } = parsed;
  const footers = await mendedFooters(parsed, (await readBlocks(file, footer, dynamic)).room);
  const headerOffsetBytes = roundUp(footers.atBytes, sectorBytes);
  const { texts } = encodeLocators({ dataWriteId: dynamic.header.parentUniqueId, relativePath });
  const locators: LocatorPlace[] = [];
  let end = headerOffsetBytes + headerBytes;
  for (const { code, bytes } of texts) {
    locators.push({ code, offsetBytes: end, lengthBytes: bytes.length });
    end = roundUp(end + bytes.length, sectorBytes);
  }
  const parentName = basename(relativePath);
  const header = newHeader({ ...dynamic.header, parentModifiedAtS, parentName, locators });
  // First, since the new header goes over the footer that stands at the end now.
  await footers.moveUp(end);
  await file.write(header.raw, headerOffsetBytes);
  for (const [index, { bytes }] of texts.entries())
    await file.write(bytes, locators[index]?.offsetBytes ?? headerOffsetBytes + headerBytes);
  await file.sync();
  await footers.change({ headerOffsetBytes });
}
