import { BufferPool } from '../../agent/disks/route/buffer-pool';
import { restBytesOf } from '../../agent/disks/route/compact';
import { blockDigest } from '../../agent/disks/route/digest';
import { FrameReader } from '../../agent/disks/route/frame-reader';
import {
  compactHead,
  contentFromSource,
  encodeFrame,
  fromDestination,
  type Frame,
} from '../../agent/disks/route/frames';
import { pack, unpack } from '../../agent/disks/route/packing/zstd';
import { Assembler, SeedFailed } from '../../agent/disks/route/seed/assembler';
import { pieceDigest, seedPieceBytes } from '../../agent/disks/route/seed/pieces';
import { encodeCells } from '../../agent/disks/route/seed/told-digests';
import { ToldSeed } from '../../agent/disks/route/seed/told-seed';
import type { SeededRandom } from '../../agent/disks/testing/random';
import { blockBytesMax } from '../../contracts/limits';
import { Finding } from './fuzz-files';
import { bytesInput, bytesOf, type Target } from './input';
import { mutateBytes } from './mutate';

/** A block of three pieces, of which the seed has the second, and its middle packed. */
const block = Buffer.alloc(2 * seedPieceBytes + 4096, 'three pieces and some text that packs well ');
const digest = blockDigest(block);
const seed = {
  path: 'seed',
  virtualSizeBytes: 4 * blockBytesMax,
  read: async (target: Uint8Array): Promise<void> => {
    target.set(block.subarray(0, target.length));
  },
};
const rest = Buffer.concat([block.subarray(0, seedPieceBytes), block.subarray(2 * seedPieceBytes)]);
const told = encodeFrame({
  kind: 'told',
  toBytes: 2 * blockBytesMax,
  digests: encodeCells([{ offsetBytes: blockBytesMax, digests: [pieceDigest(block), pieceDigest(rest)] }]),
});

function goodFrame(random: SeededRandom): Buffer {
  if (random.next() < 0.2) return told;
  const isPacked = random.next() < 0.7;
  const taken = random.next() < 0.5 ? 0b010 : 0;
  const plain = taken === 0 ? block : rest;
  const bytes = isPacked || taken === 0 ? pack(plain) : plain;
  const head = { offsetBytes: 0, lengthBytes: block.length, digest, taken, isPacked: bytes !== plain };
  return Buffer.concat([compactHead(head, bytes.length), bytes]);
}

/** What a source says in fewer bytes than a block has, and what it is told of a seed: nothing is unpacked to more, nor written unless it is the block. */
export const compactTarget: Target = {
  name: 'compact',
  make: (random) => {
    const frame = Buffer.from(goodFrame(random));
    if (random.next() < 0.95) mutateBytes(random, frame, 1 + random.below(4));
    return bytesInput(frame);
  },
  run: async (input) => {
    const frames: Frame[] = [];
    for (const inbound of [contentFromSource, fromDestination]) {
      const sink = { takeBuffer: (bytes: number) => Buffer.alloc(bytes), releaseBuffer: () => undefined };
      new FrameReader(inbound, { ...sink, onFrame: (frame) => frames.push(frame) }).push(bytesOf(input));
    }
    for (const frame of frames) {
      if (frame.kind === 'compact') await put(frame);
      if (frame.kind === 'told') learn(frame);
    }
  },
};

async function put(frame: Extract<Frame, { kind: 'compact' }>): Promise<void> {
  const restBytes = restBytesOf(frame);
  if (restBytes > blockBytesMax) throw new Finding(`${restBytes} bytes of a block`);
  const came = frame.isPacked ? unpack(frame.rest, restBytes) : frame.rest;
  if (came === undefined) return;
  if (came.length !== restBytes) throw new Finding(`${came.length} bytes where ${restBytes} were said`);
  const pool = new BufferPool(blockBytesMax);
  const use = async (bytes: Buffer): Promise<void> => {
    if (frame.digest.length === digest.length && digest.equals(frame.digest) && !bytes.equals(block))
      throw new Finding('another block was put together');
  };
  await new Assembler(seed, pool).assemble(frame, came, use).catch((thrown: unknown) => {
    if (!(thrown instanceof SeedFailed)) throw thrown;
  });
  if (pool.inUseBytes !== 0) throw new Finding('memory that nobody gave back');
}

function learn(frame: Extract<Frame, { kind: 'told' }>): void {
  const source = new ToldSeed(64 * blockBytesMax, () => undefined);
  void source.until(0, 1, AbortSignal.abort());
  source.take(frame);
  source.has(blockBytesMax, () => pieceDigest(block));
}
