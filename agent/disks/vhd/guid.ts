import { isGuid } from '../vhdx/guid';

/** A unique id as text. Its bytes are in the order of the text (RFC 9562), other than in a VHDX. */
export function readUniqueId(bytes: Buffer, offset: number): string {
  const hex = (from: number, to: number) => bytes.toString('hex', offset + from, offset + to);
  return `${hex(0, 4)}-${hex(4, 6)}-${hex(6, 8)}-${hex(8, 10)}-${hex(10, 16)}`;
}

/** Throws when the text is no GUID in lower case: only checked text may come here. */
export function writeUniqueId(bytes: Buffer, offset: number, id: string): void {
  if (!isGuid(id)) throw new RangeError(`not a GUID in lower case: ${id}`);
  bytes.write(id.replaceAll('-', ''), offset, 'hex');
}
