import type { Extent } from '../image';

/**
 * Content of a sector: 16 bytes again and again, of which the stamp tells which write it is of, and the sector's own number which place
 * it belongs to. Stamp 0 is zeros.
 */
function stampInto(sectorBytes: Buffer, stamp: number, sector: number): void {
  const pattern = Buffer.alloc(periodBytes);
  pattern.writeUInt32LE(stamp, 0);
  pattern.writeDoubleLE(sector, 4);
  sectorBytes.fill(pattern);
}

const periodBytes = 16;

/** Content of the sectors from `from` to below `to`. */
export function stampedRange(stamp: number, from: number, to: number, sectorBytes: number): Buffer {
  const bytes = Buffer.alloc((to - from) * sectorBytes);
  for (let sector = from; stamp !== 0 && sector < to; sector++)
    stampInto(bytes.subarray((sector - from) * sectorBytes, (sector - from + 1) * sectorBytes), stamp, sector);
  return bytes;
}

function isStamped(content: Buffer, stamp: number, sector: number): boolean {
  const rest = content.subarray(periodBytes);
  if (!rest.equals(content.subarray(0, rest.length))) return false;
  return content.readUInt32LE(0) === stamp && content.readDoubleLE(4) === (stamp === 0 ? 0 : sector);
}

type History = { flushed: number; later: number[] };

/** What each sector of a disk may show: what was flushed last, or anything that was written since. */
export class SectorModel {
  readonly sectorBytes: number;
  readonly #sectors = new Map<number, History>();

  constructor(sectorBytes: number) {
    this.sectorBytes = sectorBytes;
  }

  /** To be called before the write begins: one that a power loss cuts off may show, too. */
  write(from: number, to: number, stamp: number): void {
    for (let sector = from; sector < to; sector++) {
      const history = this.#sectors.get(sector) ?? { flushed: 0, later: [] };
      history.later.push(stamp);
      this.#sectors.set(sector, history);
    }
  }

  /** To be called after a flush returned. */
  flushed(): void {
    for (const history of this.#sectors.values()) {
      history.flushed = history.later.at(-1) ?? history.flushed;
      history.later = [];
    }
  }

  /** A write that is known to be durable, whatever else is not. */
  settle(from: number, to: number, stamp: number): void {
    for (let sector = from; sector < to; sector++) this.#sectors.set(sector, { flushed: stamp, later: [] });
  }

  /** The stamp that a sector shows while nothing went wrong. */
  shown(sector: number): number {
    const history = this.#sectors.get(sector);
    return history?.later.at(-1) ?? history?.flushed ?? 0;
  }

  /** What a sector may show after a power loss. */
  allowed(sector: number): readonly number[] {
    const history = this.#sectors.get(sector);
    return history === undefined ? [0] : [history.flushed, ...history.later];
  }

  touched(): Iterable<number> {
    return this.#sectors.keys();
  }

  copy(): SectorModel {
    const copy = new SectorModel(this.sectorBytes);
    for (const [sector, history] of this.#sectors)
      copy.#sectors.set(sector, { flushed: history.flushed, later: [...history.later] });
    return copy;
  }
}

/** What of a disk a check has to read: anything behind `read`, and where it may hold something. */
export type Readable = {
  read(target: Uint8Array, offsetBytes: number): Promise<void>;
  readonly virtualSizeBytes: number;
  readonly images: readonly { extents(): Iterable<Extent> }[];
};

/**
 * The first sector that shows what it must not, or undefined. Looks at all sectors ever written and at all that the images say they hold.
 */
export async function firstWrongSector(
  disk: Readable,
  model: SectorModel,
  which: 'allowed' | 'shown',
): Promise<string | undefined> {
  const { sectorBytes } = model;
  const pieces = new Set<number>();
  for (const sector of model.touched()) pieces.add(Math.floor((sector * sectorBytes) / pieceBytes));
  for (const image of disk.images)
    for (const { offsetBytes, lengthBytes } of image.extents())
      for (let piece = Math.floor(offsetBytes / pieceBytes); piece * pieceBytes < offsetBytes + lengthBytes; piece++)
        pieces.add(piece);
  const buffer = Buffer.alloc(pieceBytes);
  for (const piece of pieces) {
    const bytes = buffer.subarray(0, Math.min(pieceBytes, disk.virtualSizeBytes - piece * pieceBytes));
    await disk.read(bytes, piece * pieceBytes);
    const isZeroPiece = bytes.equals(zeroPiece.subarray(0, bytes.length));
    for (let at = 0; at < bytes.length; at += sectorBytes) {
      const sector = (piece * pieceBytes + at) / sectorBytes;
      const allowed = which === 'shown' ? [model.shown(sector)] : model.allowed(sector);
      const shown = bytes.readUInt32LE(at);
      if (shown === 0 && isZeroPiece && allowed.includes(0)) continue;
      const content = bytes.subarray(at, at + sectorBytes);
      if (allowed.includes(shown) && isStamped(content, shown, sector)) continue;
      return `sector ${sector} shows stamp ${shown}, may show ${allowed.join(', ')}`;
    }
  }
  return undefined;
}

/** Takes what the disk shows now for what it holds: after a power loss, when nobody can know which writes came through. */
export async function observe(disk: Readable, model: SectorModel): Promise<void> {
  const { sectorBytes } = model;
  const piece = { number: -1, bytes: Buffer.alloc(pieceBytes) };
  for (const sector of [...model.touched()]) {
    const number = Math.floor((sector * sectorBytes) / pieceBytes);
    if (number !== piece.number) {
      const length = Math.min(pieceBytes, disk.virtualSizeBytes - number * pieceBytes);
      await disk.read(piece.bytes.subarray(0, length), number * pieceBytes);
      piece.number = number;
    }
    model.settle(sector, sector + 1, piece.bytes.readUInt32LE((sector * sectorBytes) % pieceBytes));
  }
}

const pieceBytes = 64 * 1024;
const zeroPiece = Buffer.alloc(pieceBytes);
