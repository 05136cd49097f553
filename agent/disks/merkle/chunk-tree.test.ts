import { blake3 } from '@napi-rs/blake-hash';
import { plainRoot } from '../testing/plain-merkle';
import { SeededRandom } from '../testing/random';
import { mib } from '../vhdx/numbers';
import { ChunkTree, type OnNode, type Others } from './chunk-tree';

const zeroChunk = blake3(Buffer.alloc(mib));
const leafOf = (random: SeededRandom): Buffer => blake3(`${random.next()}`);

function rootOf(sizeBytes: number, others: Others, leaves: ReadonlyMap<number, Buffer>, onNode?: OnNode): string {
  const tree = new ChunkTree(sizeBytes, others, onNode);
  for (const [chunk, leaf] of [...leaves].sort(([one], [other]) => one - other)) tree.add(chunk * mib, leaf);
  return tree.root();
}

/** Digests of some chunks of a disk of a random size, with a short last chunk half the time. */
function anyDisk(random: SeededRandom): { sizeBytes: number; chunks: number; leaves: Map<number, Buffer> } {
  const chunks = 1 + random.below(70);
  const sizeBytes = chunks * mib - (random.below(2) === 0 ? 0 : 512 * (1 + random.below(2047)));
  const density = random.next();
  const leaves = new Map<number, Buffer>();
  for (let chunk = 0; chunk < chunks; chunk += 1)
    if (random.next() < density) leaves.set(chunk, random.below(5) === 0 ? zeroChunk : leafOf(random));
  return { sizeBytes, chunks, leaves };
}

const zeroLeafOf = (sizeBytes: number, chunk: number): Buffer =>
  sizeBytes - chunk * mib >= mib ? zeroChunk : blake3(Buffer.alloc(sizeBytes - chunk * mib));

it('the root is the one that an array of all chunks gives, zeros or unsaid where nothing was added', () => {
  const random = new SeededRandom(28);
  for (let round = 0; round < 150; round += 1) {
    const { sizeBytes, chunks, leaves } = anyDisk(random);
    const said = Array.from({ length: chunks }, (_, chunk) => leaves.get(chunk));
    const whole = said.map((leaf, chunk) => leaf ?? zeroLeafOf(sizeBytes, chunk));
    expect(rootOf(sizeBytes, 'unsaid', leaves)).toBe(plainRoot(sizeBytes, said));
    expect(rootOf(sizeBytes, 'zeros', leaves)).toBe(plainRoot(sizeBytes, whole));
  }
});

it('another chunk, another place, another size, and unsaid in place of zeros are other roots', () => {
  const random = new SeededRandom(29);
  const leaf = leafOf(random);
  const roots = [
    rootOf(8 * mib, 'zeros', new Map([[3, leaf]])),
    rootOf(8 * mib, 'unsaid', new Map([[3, leaf]])),
    rootOf(8 * mib, 'zeros', new Map([[4, leaf]])),
    rootOf(8 * mib, 'zeros', new Map([[3, leafOf(random)]])),
    rootOf(8 * mib - 512, 'zeros', new Map([[3, leaf]])),
    rootOf(7 * mib, 'zeros', new Map([[3, leaf]])),
    rootOf(9 * mib, 'zeros', new Map([[3, leaf]])),
    rootOf(8 * mib, 'zeros', new Map()),
    rootOf(8 * mib, 'unsaid', new Map()),
    rootOf(0, 'zeros', new Map()),
  ];
  expect(new Set(roots).size).toBe(roots.length);
});

it('a disk of 64 TiB with a chunk here and there takes few nodes', () => {
  let nodes = 0;
  const places = [0, 5, 2 ** 20, 2 ** 26 - 1];
  rootOf(2 ** 46, 'zeros', new Map(places.map((place) => [place, zeroChunk])), () => (nodes += 1));
  expect(nodes).toBeLessThan(places.length * 4 * 26);
});

it('chunks come in ascending order, at their starts, within the disk', () => {
  for (const places of [[512], [mib, 0], [mib, mib], [4 * mib], [-mib]]) {
    const tree = new ChunkTree(4 * mib, 'zeros');
    expect(() => {
      for (const place of places) tree.add(place, zeroChunk);
    }).toThrow(RangeError);
  }
});
