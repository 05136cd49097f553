/** The checksum of footers and headers: the ones' complement of the sum of all bytes but those of the checksum itself. */
export function checksumOf(bytes: Uint8Array, checksumAt: number): number {
  let sum = 0;
  for (const [index, byte] of bytes.entries()) if (index < checksumAt || index >= checksumAt + 4) sum += byte;
  return ~sum >>> 0;
}

export const isSealed = (bytes: Buffer, checksumAt: number): boolean =>
  bytes.readUInt32BE(checksumAt) === checksumOf(bytes, checksumAt);

export function seal(bytes: Buffer, checksumAt: number): Buffer {
  bytes.writeUInt32BE(checksumOf(bytes, checksumAt), checksumAt);
  return bytes;
}
