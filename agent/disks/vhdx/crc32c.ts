/** CRC-32C (Castagnoli), reflected polynomial 0x82F63B78, eight bytes a step. Tables of 64 KiB and log entries go through it. */
const [t0, t1, t2, t3, t4, t5, t6, t7] = makeTables();

type Table = Int32Array;

/** Table n has what a byte with n bytes behind it does to the checksum. */
function makeTables(): readonly [Table, Table, Table, Table, Table, Table, Table, Table] {
  const first = new Int32Array(256);
  for (const byte of first.keys()) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    first[byte] = crc;
  }
  const next = (before: Table): Table => before.map((crc) => (crc >>> 8) ^ (first[crc & 0xff] ?? 0));
  const second = next(first);
  const third = next(second);
  const fourth = next(third);
  const fifth = next(fourth);
  const sixth = next(fifth);
  const seventh = next(sixth);
  return [first, second, third, fourth, fifth, sixth, seventh, next(seventh)];
}

/** The checksum of `bytes`, going on from that of the bytes before them. */
export function crc32c(bytes: Buffer, before = 0): number {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let crc = ~before;
  let at = 0;
  for (; at + 8 <= bytes.length; at += 8) {
    const low = crc ^ words.getInt32(at, true);
    const high = words.getInt32(at + 4, true);
    crc =
      (t7[low & 0xff] ?? 0) ^
      (t6[(low >>> 8) & 0xff] ?? 0) ^
      (t5[(low >>> 16) & 0xff] ?? 0) ^
      (t4[low >>> 24] ?? 0) ^
      (t3[high & 0xff] ?? 0) ^
      (t2[(high >>> 8) & 0xff] ?? 0) ^
      (t1[(high >>> 16) & 0xff] ?? 0) ^
      (t0[high >>> 24] ?? 0);
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ (t0[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
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
