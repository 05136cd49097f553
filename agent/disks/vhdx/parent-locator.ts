import { succeeded, type Outcome } from '../../../contracts/failure';
import { damaged } from '../failures';
import type { ParentLink } from '../image';
import { guidInBraces, readGuid, writeGuid } from './guid';

const vhdxLocatorType = 'b04aefb7-d19e-4a81-b789-25b8e9445913';
const keyValuesMax = 256;
const entriesOffset = 20;
const entryLength = 12;

/**
 * Windows stores relative paths with backslashes, beginning at the child's folder; so does this. A path that was read from a locator
 * comes out as it went in.
 */
function windowsRelative(path: string): string {
  const backslashed = path.replaceAll('/', '\\');
  return backslashed.startsWith('.') ? backslashed : `.\\${backslashed}`;
}

/** A parent locator (MS-VHDX 2.6.2.6). */
export function encodeParentLocator(parent: ParentLink): Buffer {
  const pairs: [string, string][] = [['parent_linkage', `{${parent.dataWriteId}}`]];
  if (parent.secondDataWriteId !== undefined) pairs.push(['parent_linkage2', `{${parent.secondDataWriteId}}`]);
  if (parent.relativePath !== undefined) pairs.push(['relative_path', windowsRelative(parent.relativePath)]);
  if (parent.absolutePath !== undefined) pairs.push(['absolute_win32_path', parent.absolutePath]);
  const head = Buffer.alloc(entriesOffset + pairs.length * entryLength);
  writeGuid(head, 0, vhdxLocatorType);
  head.writeUInt16LE(pairs.length, 18);
  const texts: Buffer[] = [];
  let textOffset = head.length;
  for (const [index, pair] of pairs.entries()) {
    const [key, value] = pair.map((text) => Buffer.from(text, 'utf16le'));
    if (key === undefined || value === undefined) continue;
    const at = entriesOffset + index * entryLength;
    head.writeUInt32LE(textOffset, at);
    head.writeUInt32LE(textOffset + key.length, at + 4);
    head.writeUInt16LE(key.length, at + 8);
    head.writeUInt16LE(value.length, at + 10);
    texts.push(key, value);
    textOffset += key.length + value.length;
  }
  return Buffer.concat([head, ...texts]);
}

/** How a differencing disk names its parent. `volume_path`, a third way to the same file, is not used. */
export function decodeParentLocator(item: Buffer): Outcome<ParentLink> {
  if (item.length < entriesOffset) return damaged('has a parent locator without a head');
  const type = readGuid(item, 0);
  if (type !== vhdxLocatorType) return damaged(`has a parent locator of type ${type}, which is not known`);
  const count = item.readUInt16LE(18);
  if (count === 0 || count > keyValuesMax || entriesOffset + count * entryLength > item.length)
    return damaged(`has a parent locator with ${count} entries in ${item.length} bytes`);
  const values = new Map<string, string>();
  for (let index = 0; index < count; index++) {
    const at = entriesOffset + index * entryLength;
    const key = textAt(item, item.readUInt32LE(at), item.readUInt16LE(at + 8));
    const value = textAt(item, item.readUInt32LE(at + 4), item.readUInt16LE(at + 10));
    if (key === undefined || value === undefined) return damaged('has a parent locator with a text outside of it');
    values.set(key, value);
  }
  return locatorOf(values);
}

function textAt(item: Buffer, offset: number, length: number): string | undefined {
  if (length % 2 !== 0 || offset + length > item.length) return undefined;
  const text = item.toString('utf16le', offset, offset + length);
  return text.includes('\0') ? undefined : text;
}

function locatorOf(values: ReadonlyMap<string, string>): Outcome<ParentLink> {
  const linkage = values.get('parent_linkage');
  const dataWriteId = linkage === undefined ? undefined : guidInBraces(linkage);
  if (dataWriteId === undefined) return damaged('has a parent locator without the data write id of the parent');
  const second = guidInBraces(values.get('parent_linkage2') ?? '');
  const relativePath = values.get('relative_path');
  const absolutePath = values.get('absolute_win32_path');
  return succeeded({
    dataWriteId,
    ...(relativePath !== undefined && { relativePath }),
    ...(absolutePath !== undefined && { absolutePath }),
    ...(second !== undefined && { secondDataWriteId: second }),
  });
}
