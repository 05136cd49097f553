import { basename } from 'node:path/win32';
import type { Outcome } from '../../../contracts/failure';
import { succeeded } from '../../../contracts/failure';
import { damaged } from '../failures';
import type { ParentLink } from '../image';
import type { DynamicHeader, LocatorPlace } from './header';

/** The two kinds of locator that Windows writes today: UTF-16 paths, from the child's folder and from the root. */
export const locatorCodes = { relative: 'W2ru', absolute: 'W2ku' } as const;

/** Windows stores relative paths with backslashes, beginning at the child's folder; so does this. */
export function windowsRelative(path: string): string {
  const backslashed = path.replaceAll('/', '\\');
  return backslashed.startsWith('.') ? backslashed : `.\\${backslashed}`;
}

/** The paths to a parent as they are written, and the parent's name alone. */
export function encodeLocators(link: ParentLink): {
  readonly texts: readonly { readonly code: string; readonly bytes: Buffer }[];
  readonly name: string;
} {
  const texts: { code: string; bytes: Buffer }[] = [];
  const add = (code: string, path: string | undefined) => {
    if (path !== undefined) texts.push({ code, bytes: Buffer.from(path, 'utf16le') });
  };
  add(locatorCodes.relative, link.relativePath === undefined ? undefined : windowsRelative(link.relativePath));
  add(locatorCodes.absolute, link.absolutePath);
  return { texts, name: basename(link.relativePath ?? link.absolutePath ?? '') };
}

/**
 * How a differencing disk names its parent. Locators of kinds that no Windows of today writes are passed over; when none is left, the
 * parent's name stands for a file beside the child.
 */
export async function decodeParent(
  header: DynamicHeader,
  read: (place: LocatorPlace) => Promise<Buffer>,
): Promise<Outcome<ParentLink>> {
  const paths = new Map<string, string>();
  for (const place of header.locators) {
    if (place.code !== locatorCodes.relative && place.code !== locatorCodes.absolute) continue;
    if (paths.has(place.code)) return damaged(`has two parent locators of the kind ${place.code}`);
    if (place.lengthBytes % 2 !== 0) return damaged('has a parent locator with half a character');
    const text = (await read(place)).toString('utf16le').replace(/\0+$/u, '');
    if (text.includes('\0')) return damaged('has a parent locator with a null character inside');
    if (text !== '') paths.set(place.code, text);
  }
  const absolutePath = paths.get(locatorCodes.absolute);
  const isPlainName = header.parentName !== '' && basename(header.parentName) === header.parentName;
  const beside = absolutePath === undefined && isPlainName ? header.parentName : undefined;
  const relativePath = paths.get(locatorCodes.relative) ?? beside;
  return succeeded({
    dataWriteId: header.parentUniqueId,
    ...(relativePath !== undefined && { relativePath }),
    ...(absolutePath !== undefined && { absolutePath }),
  });
}
