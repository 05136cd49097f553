/**
 * A second opinion: a reader of whole VHD files in memory, written from the specification alone, as simple as it can be and sharing no
 * code with the one under test. It throws at whatever it does not like.
 */
export class NaiveVhd {
  readonly file: Buffer;
  readonly type: number;
  readonly virtualSize: number;
  readonly uniqueId: string;
  readonly parentUniqueId: string;
  readonly #blockSize: number;
  readonly #table: number;

  constructor(file: Buffer) {
    this.file = file;
    const footer = [file.subarray(file.length - 512), file.subarray(0, 512)].find(
      (bytes) => bytes.toString('latin1', 0, 8) === 'conectix' && sumMatches(bytes, 64),
    );
    if (footer === undefined) throw new Error('no footer');
    this.type = footer.readUInt32BE(60);
    this.virtualSize = Number(footer.readBigUInt64BE(48));
    this.uniqueId = footer.toString('hex', 68, 84);
    const header = this.type === 2 ? undefined : Number(footer.readBigUInt64BE(16));
    if (header !== undefined && !sumMatches(file.subarray(header, header + 1024), 36)) throw new Error('header');
    this.parentUniqueId = header === undefined ? '' : file.toString('hex', header + 40, header + 56);
    this.#blockSize = header === undefined ? 0 : file.readUInt32BE(header + 32);
    this.#table = header === undefined ? 0 : Number(file.readBigUInt64BE(header + 16));
  }

  /** One sector as this file has it, or `parent` when it says that the parent has it. */
  sector(number: number): Buffer | 'parent' {
    if (this.type === 2) return this.file.subarray(number * 512, number * 512 + 512);
    const sectorsPerBlock = this.#blockSize / 512;
    const within = number % sectorsPerBlock;
    const entry = this.file.readUInt32BE(this.#table + 4 * Math.floor(number / sectorsPerBlock));
    const isHeld =
      entry !== 0xffffffff && (this.file.readUInt8(entry * 512 + (within >> 3)) & (0x80 >> (within & 7))) !== 0;
    if (!isHeld) return this.type === 4 ? 'parent' : Buffer.alloc(512);
    const data = entry * 512 + Math.ceil(sectorsPerBlock / 8 / 512) * 512 + within * 512;
    if (data + 512 > this.file.length) throw new Error('a block past the end');
    return this.file.subarray(data, data + 512);
  }
}

function sumMatches(bytes: Buffer, at: number): boolean {
  let sum = 0;
  for (let index = 0; index < bytes.length; index++) if (index < at || index > at + 3) sum += bytes[index] ?? 0;
  return bytes.readUInt32BE(at) === ~sum >>> 0;
}
