import { blake3 } from '@napi-rs/blake-hash';
import type { ChunkDigest } from '../chunks';
import { plainRoot } from '../testing/plain-merkle';
import { SeededRandom } from '../testing/random';
import { mib } from '../vhdx/numbers';
import { proveChunk, rootByProof, type ChunkProof } from './chunk-proof';

/** Chunks that each are one byte again and again, 0 for most of them. */
type Chunks = readonly number[];

function anyChunks(random: SeededRandom): { sizeBytes: number; chunks: Chunks } {
  const count = 1 + random.below(70);
  const density = random.next();
  const chunks = Array.from({ length: count }, () => (random.next() < density ? 1 + random.below(3) : 0));
  return { sizeBytes: count * mib - (random.below(2) === 0 ? 0 : 512 * (1 + random.below(2047))), chunks };
}

const known = new Map<string, Buffer>();
const bytesOf = (sizeBytes: number, chunks: Chunks, chunk: number): Buffer =>
  Buffer.alloc(Math.min(mib, sizeBytes - chunk * mib), chunks[chunk]);
function digestOf(sizeBytes: number, chunks: Chunks, chunk: number): Buffer {
  const name = `${Math.min(mib, sizeBytes - chunk * mib)} ${chunks[chunk] ?? ''}`;
  const digest = known.get(name) ?? blake3(bytesOf(sizeBytes, chunks, chunk));
  known.set(name, digest);
  return digest;
}

/** Of the chunks that do not read zero, and sometimes of one that does. */
async function* told(random: SeededRandom, sizeBytes: number, chunks: Chunks): AsyncGenerator<ChunkDigest> {
  for (const [chunk, value] of chunks.entries())
    if (value !== 0 || random.below(4) === 0)
      yield await Promise.resolve({ offsetBytes: chunk * mib, digest: digestOf(sizeBytes, chunks, chunk) });
}

type Proven = { bytes: Buffer; proof: ChunkProof; root: string; leaves: Buffer[] };

async function proven(random: SeededRandom): Promise<Proven> {
  const { sizeBytes, chunks } = anyChunks(random);
  const chunk = random.below(chunks.length);
  const bytes = bytesOf(sizeBytes, chunks, chunk);
  const of = { virtualSizeBytes: sizeBytes, offsetBytes: chunk * mib + random.below(bytes.length) };
  const { proof, merkleRoot } = await proveChunk(of, told(random, sizeBytes, chunks));
  const leaves = chunks.map((_, at) => digestOf(sizeBytes, chunks, at));
  expect(merkleRoot).toBe(plainRoot(sizeBytes, leaves));
  return { bytes, proof, root: merkleRoot, leaves };
}

it('of any chunk, with its bytes, gives the root of the disk', async () => {
  const random = new SeededRandom(30);
  for (let round = 0; round < 40; round += 1) {
    const { bytes, proof, root } = await proven(random);
    expect(rootByProof(proof, bytes)).toBe(root);
  }
});

it('with another byte, size or node gives another root or none', async () => {
  const random = new SeededRandom(31);
  for (let round = 0; round < 6; round += 1) {
    const { bytes, proof, root } = await proven(random);
    const { virtualSizeBytes, beside } = proof;
    const forged = Buffer.from(bytes);
    forged.writeUInt8(9, random.below(bytes.length));
    expect(rootByProof(proof, forged)).not.toBe(root);
    expect(rootByProof(proof, bytes.subarray(1))).toBeUndefined();
    for (const otherSize of [virtualSizeBytes + mib, virtualSizeBytes - 512, 2 * virtualSizeBytes])
      expect(rootByProof({ ...proof, virtualSizeBytes: otherSize }, bytes)).not.toBe(root);
    expect(rootByProof({ ...proof, beside: [...beside, 'ab'.repeat(32)] }, bytes)).toBeUndefined();
    expect(rootByProof({ ...proof, beside: beside.slice(1) }, bytes)).not.toBe(root);
    for (const level of beside.keys())
      expect(rootByProof({ ...proof, beside: beside.with(level, 'ab'.repeat(32)) }, bytes)).not.toBe(root);
  }
});

it('no node of a tree passes for a chunk, also where the last chunk is as long as what is hashed for a node', async () => {
  const sizeBytes = 4 * mib + 65;
  const leaves = Array.from({ length: 5 }, (_, chunk) => blake3(`${chunk}`));
  const hashed = (level: number, left: Buffer, right: Buffer): Buffer => Buffer.concat([Buffer.of(level), left, right]);
  const [first, second, , , last] = leaves as [Buffer, Buffer, Buffer, Buffer, Buffer];
  const nothing = Buffer.alloc(32);
  const node = hashed(1, first, second);
  const nodeOfLast = hashed(1, last, nothing);
  const root = plainRoot(sizeBytes, leaves);
  let tried = 0;
  // The node as a chunk, of this disk and of those in which a chunk is 65 bytes long, with every run of nodes that there are beside it.
  const nodes = [first, second, last, nothing, blake3(node), blake3(nodeOfLast)].map((one) => one.toString('hex'));
  for (const bytes of [node, nodeOfLast])
    for (const virtualSizeBytes of [65, mib + 65, 2 * mib + 65, sizeBytes, 8 * mib + 65])
      for (const one of nodes)
        for (const two of nodes)
          for (const three of nodes)
            for (const beside of [[], [one], [one, two], [one, two, three]]) {
              const offsetBytes = virtualSizeBytes - 65;
              expect(rootByProof({ virtualSizeBytes, offsetBytes, beside }, bytes)).not.toBe(root);
              tried += 1;
            }
  expect(tried).toBe(2 * 5 * 6 ** 3 * 4);
});

it('in another place proves only what is there as well', async () => {
  const random = new SeededRandom(32);
  let places = 0;
  for (let round = 0; round < 8; round += 1) {
    const { bytes, proof, root, leaves } = await proven(random);
    for (const [chunk, leaf] of leaves.entries()) {
      if (rootByProof({ ...proof, offsetBytes: chunk * mib }, bytes) !== root) continue;
      expect(leaf).toEqual(blake3(bytes));
      places += 1;
    }
  }
  expect(places).toBeGreaterThanOrEqual(8);
});
