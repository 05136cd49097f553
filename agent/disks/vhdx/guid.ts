/** GUIDs as text in lower case; on disk the first three fields are little-endian (MS-DTYP 2.3.4.2). */
export const zeroGuid = '00000000-0000-0000-0000-000000000000';

const textForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const isGuid = (text: string): boolean => textForm.test(text);

export function readGuid(bytes: Buffer, offset: number): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
  const first = hex(bytes.readUInt32LE(offset), 8);
  const second = hex(bytes.readUInt16LE(offset + 4), 4);
  const third = hex(bytes.readUInt16LE(offset + 6), 4);
  const fourth = bytes.toString('hex', offset + 8, offset + 10);
  const last = bytes.toString('hex', offset + 10, offset + 16);
  return `${first}-${second}-${third}-${fourth}-${last}`;
}

/** Throws when the text is no GUID in lower case: only checked text may come here. */
export function writeGuid(bytes: Buffer, offset: number, guid: string): void {
  if (!isGuid(guid)) throw new RangeError(`not a GUID in lower case: ${guid}`);
  const [first = '', second = '', third = '', fourth = '', last = ''] = guid.split('-');
  bytes.writeUInt32LE(Number.parseInt(first, 16), offset);
  bytes.writeUInt16LE(Number.parseInt(second, 16), offset + 4);
  bytes.writeUInt16LE(Number.parseInt(third, 16), offset + 6);
  bytes.write(fourth + last, offset + 8, 'hex');
}

/** A GUID as parent locators hold it, `{…}` in any case, or undefined when the text is none. */
export function guidInBraces(text: string): string | undefined {
  const inner = text.replace(/^\{(.*)\}$/, '$1').toLowerCase();
  return isGuid(inner) ? inner : undefined;
}
