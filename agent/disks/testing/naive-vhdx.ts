/**
 * A second opinion: a reader of whole VHDX files in memory, written from the specification alone, as simple as it can be and sharing no
 * code with the one under test. It throws at whatever it does not like.
 */
export class NaiveVhdx {
  readonly file: Buffer;
  readonly blockSize: number;
  readonly virtualSize: number;
  readonly sectorSize: number;
  readonly hasParent: boolean;
  readonly dataWriteGuid: string;
  readonly logWasDirty: boolean;
  readonly #batOffset: number;

  constructor(original: Buffer) {
    if (original.toString('latin1', 0, 8) !== 'vhdxfile') throw new Error('signature');
    const header = [0x10000, 0x20000]
      .map((at) => original.subarray(at, at + 4096))
      .filter((bytes) => bytes.toString('latin1', 0, 4) === 'head' && crcMatches(bytes))
      .sort((a, b) => Number(b.readBigUInt64LE(8) - a.readBigUInt64LE(8)))[0];
    if (header === undefined) throw new Error('no header');
    this.dataWriteGuid = header.toString('hex', 32, 48);
    this.logWasDirty = !header.subarray(48, 64).every((byte) => byte === 0);
    this.file = this.logWasDirty ? replayed(original, header) : original;
    const table = [0x30000, 0x40000]
      .map((at) => this.file.subarray(at, at + 0x10000))
      .find((bytes) => bytes.toString('latin1', 0, 4) === 'regi' && crcMatches(bytes));
    if (table === undefined) throw new Error('no region table');
    const region = (guid: string) => {
      for (let at = 16; at < 16 + table.readUInt32LE(8) * 32; at += 32)
        if (table.toString('hex', at, at + 16) === guid) return Number(table.readBigUInt64LE(at + 16));
      throw new Error(`no region ${guid}`);
    };
    this.#batOffset = region('6677c22d23f600429d64115e9bfd4a08');
    const metadata = region('06a27c8b90479a4bb8fe575f050f886e');
    const item = (guid: string) => {
      for (let index = 0; index < this.file.readUInt16LE(metadata + 10); index++) {
        const at = metadata + 32 + index * 32;
        if (this.file.toString('hex', at, at + 16) === guid) return metadata + this.file.readUInt32LE(at + 16);
      }
      throw new Error(`no item ${guid}`);
    };
    this.blockSize = this.file.readUInt32LE(item('3767a1ca36fa434db3b633f0aa44e76b'));
    this.hasParent = (this.file.readUInt32LE(item('3767a1ca36fa434db3b633f0aa44e76b') + 4) & 2) !== 0;
    this.virtualSize = Number(this.file.readBigUInt64LE(item('2442a52f1bcd7648b2115dbed83bf4b8')));
    this.sectorSize = this.file.readUInt32LE(item('1dbf41816fa90947ba47f233a8faab5f'));
  }

  /** One sector as this file has it, or `parent` when it says that the parent has it. */
  sector(number: number): Buffer | 'parent' {
    const sectorsPerBlock = this.blockSize / this.sectorSize;
    const ratio = 2 ** 23 / sectorsPerBlock;
    const block = Math.floor(number / sectorsPerBlock);
    const entry = this.#entry(block + Math.floor(block / ratio));
    const zero = Buffer.alloc(this.sectorSize);
    const at = entry.offset + (number % sectorsPerBlock) * this.sectorSize;
    const data = this.file.subarray(at, at + this.sectorSize);
    switch (entry.state) {
      case 0:
        return this.hasParent ? 'parent' : zero;
      case 1:
      case 2:
      case 3:
        return zero;
      case 6:
        return data;
      case 7: {
        const chunk = Math.floor(number / 2 ** 23);
        const bitmap = this.#entry((chunk + 1) * ratio + chunk);
        if (bitmap.state !== 6 || !this.hasParent) throw new Error('partially present without a bitmap');
        const bit = number % 2 ** 23;
        const byte = this.file[bitmap.offset + Math.floor(bit / 8)] ?? 0;
        return ((byte >> (bit % 8)) & 1) === 1 ? data : 'parent';
      }
      default:
        throw new Error(`state ${entry.state}`);
    }
  }

  #entry(index: number): { state: number; offset: number } {
    const value = this.file.readBigUInt64LE(this.#batOffset + index * 8);
    return { state: Number(value & 7n), offset: Number(value >> 20n) * 2 ** 20 };
  }
}

function bitwiseCrc(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0x82f63b78 & -(crc & 1));
  }
  return ~crc >>> 0;
}

function crcMatches(structure: Buffer): boolean {
  const copy = Buffer.from(structure);
  copy.writeUInt32LE(0, 4);
  return bitwiseCrc(copy) === structure.readUInt32LE(4);
}

type Entry = { at: number; length: number; tail: number; sequence: bigint; bytes: Buffer };

/** The file after its log was replayed, as MS-VHDX 2.3.3 tells it: every candidate tail is tried, the newest valid sequence wins. */
function replayed(file: Buffer, header: Buffer): Buffer {
  const logLength = header.readUInt32LE(68);
  const logOffset = Number(header.readBigUInt64LE(72));
  const ring = Buffer.concat([
    file.subarray(logOffset, logOffset + logLength),
    file.subarray(logOffset, logOffset + logLength),
  ]);
  const entryAt = (at: number): Entry | undefined => {
    const length = ring.readUInt32LE(at + 8);
    if (ring.toString('latin1', at, at + 4) !== 'loge' || length % 4096 !== 0 || length > logLength) return undefined;
    const bytes = ring.subarray(at, at + length);
    if (!bytes.subarray(32, 48).equals(header.subarray(48, 64)) || !crcMatches(bytes)) return undefined;
    return { at, length, tail: bytes.readUInt32LE(12), sequence: bytes.readBigUInt64LE(16), bytes };
  };
  let best: Entry[] = [];
  for (let tail = 0; tail < logLength; tail += 4096) {
    const run: Entry[] = [];
    for (let at = tail; ;) {
      const entry = entryAt(at);
      const last = run.at(-1);
      if (entry === undefined || (last !== undefined && entry.sequence !== last.sequence + 1n)) break;
      if (run.some((one) => one.at === at)) break;
      run.push(entry);
      at = (at + entry.length) % logLength;
    }
    const head = run.at(-1);
    const from = run.findIndex((entry) => entry.at === head?.tail);
    if (head === undefined || from < 0) continue;
    if (head.sequence > (best.at(-1)?.sequence ?? 0n)) best = run.slice(from);
  }
  const head = best.at(-1);
  if (head === undefined) throw new Error('the log holds no sequence');
  const result = Buffer.alloc(Math.max(file.length, Number(head.bytes.readBigUInt64LE(56))));
  file.copy(result);
  for (const entry of best) replayEntry(result, entry.bytes);
  return result;
}

function replayEntry(file: Buffer, entry: Buffer): void {
  const count = entry.readUInt32LE(24);
  let sector = Math.ceil((64 + count * 32) / 4096) * 4096;
  for (let at = 64; at < 64 + count * 32; at += 32) {
    const target = Number(entry.readBigUInt64LE(at + 16));
    if (entry.toString('latin1', at, at + 4) === 'zero') {
      file.fill(0, target, target + Number(entry.readBigUInt64LE(at + 8)));
      continue;
    }
    entry.copy(file, target, at + 8, at + 16);
    entry.copy(file, target + 8, sector + 8, sector + 4092);
    entry.copy(file, target + 4092, at + 4, at + 8);
    sector += 4096;
  }
}
