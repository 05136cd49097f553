const twoPow32 = 2 ** 32;

/** A 64-bit field as a number; above 2^53 it is rounded, which no bound here is near to. */
export const readU64BE = (bytes: Buffer, offset: number): number =>
  bytes.readUInt32BE(offset) * twoPow32 + bytes.readUInt32BE(offset + 4);

export function writeU64BE(bytes: Buffer, offset: number, value: number): void {
  bytes.writeUInt32BE(Math.floor(value / twoPow32), offset);
  bytes.writeUInt32BE(value % twoPow32, offset + 4);
}
