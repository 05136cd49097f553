/** CRC-32C (Castagnoli), reflected polynomial 0x82F63B78, eight bytes a step. Tables of 64 KiB and log entries go through it. */
const tables = makeTables();

function makeTables(): Uint32Array {
  const made = new Uint32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    made[byte] = crc;
  }
  for (let at = 256; at < made.length; at++) {
    const before = made[at - 256] ?? 0;
    made[at] = (before >>> 8) ^ (made[before & 0xff] ?? 0);
  }
  return made;
}

const lookUp = (table: number, byte: number): number => tables[table * 256 + byte] ?? 0;

/** The checksum of `bytes`, going on from that of the bytes before them. */
export function crc32c(bytes: Buffer, before = 0): number {
  let crc = ~before;
  let at = 0;
  for (; at + 8 <= bytes.length; at += 8) {
    const low = crc ^ bytes.readInt32LE(at);
    const high = bytes.readInt32LE(at + 4);
    crc =
      lookUp(7, low & 0xff) ^
      lookUp(6, (low >>> 8) & 0xff) ^
      lookUp(5, (low >>> 16) & 0xff) ^
      lookUp(4, low >>> 24) ^
      lookUp(3, high & 0xff) ^
      lookUp(2, (high >>> 8) & 0xff) ^
      lookUp(1, (high >>> 16) & 0xff) ^
      lookUp(0, high >>> 24);
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ lookUp(0, (crc ^ (bytes[at] ?? 0)) & 0xff);
  return ~crc >>> 0;
}

const fourZeros = Buffer.alloc(4);

/** The checksum of a structure whose own checksum field stands at byte 4 and counts as zero. */
export function structureCrc(bytes: Buffer): number {
  return crc32c(bytes.subarray(8), crc32c(fourZeros, crc32c(bytes.subarray(0, 4))));
}

/** Puts the checksum of a structure into its field at byte 4. */
export function sealStructure(bytes: Buffer): void {
  bytes.writeUInt32LE(structureCrc(bytes), 4);
}

export const isSealed = (bytes: Buffer): boolean => bytes.readUInt32LE(4) === structureCrc(bytes);
