import { blake3 } from '@napi-rs/blake-hash';
import type { ChunkDigest } from '../../agent/disks/chunks';
import { outcomeOf } from '../../agent/disks/failures';
import { ChunkList } from '../../agent/disks/merkle/chunk-list';
import { rootByProof } from '../../agent/disks/merkle/chunk-proof';
import { ChunkTree } from '../../agent/disks/merkle/chunk-tree';
import { levelsOf, nodeAbove, rootAbove } from '../../agent/disks/merkle/nodes';
import type { SeededRandom } from '../../agent/disks/testing/random';
import { proofDocument } from '../../cli/commands/disk/proof-document';
import { Finding } from './fuzz-files';
import { bytesInput, bytesOf, type Target } from './input';
import { mutateBytes, mutateText } from './mutate';

const mib = 1024 * 1024;
const sizes = [0, 512, mib, 5 * mib + 65, 2 ** 46, Number.MAX_SAFE_INTEGER];
const digits = (value: number): string => String(value).padStart(16, '0');

/** A list that is in order, of any size that can be written. */
function goodList(random: SeededRandom): Buffer {
  const size = random.pick(sizes);
  const tree = new ChunkTree(size, 'zeros');
  const lines = [`hyperferry-chunks-1 ${digits(size)}\n`];
  for (let chunk = random.below(3); chunk * mib < size && lines.length < 6; chunk += 1 + random.below(4)) {
    const digest = blake3(`${random.next()}`);
    tree.add(chunk * mib, digest);
    lines.push(`${digits(chunk * mib)} ${digest.toString('hex')}\n`);
  }
  return Buffer.from(`${lines.join('')}${digits(size)} ${tree.root()}\n`);
}

/** A list of chunks is read in bounded memory, and only if its last line has the root of the others. */
const chunkList: Target = {
  name: 'chunk-list',
  make: (random) => {
    const bytes = random.next() < 0.05 ? mutateText(random, 'hyperferry-chunks-1 0') : goodList(random);
    if (random.next() < 0.9) mutateBytes(random, bytes, 1 + random.below(3));
    return bytesInput(bytes);
  },
  run: async (input) => {
    const bytes = bytesOf(input);
    let closed = 0;
    const file = {
      read: (target: Buffer, at: number, length: number, position: number) =>
        Promise.resolve({ bytesRead: bytes.copy(target, at, position, Math.min(bytes.length, position + length)) }),
      close: () => Promise.resolve(void (closed += 1)),
    };
    const read = await outcomeOf(async () => {
      const list = await ChunkList.of({ path: '/list', field: 'LIST' }, file as never);
      const chunks: ChunkDigest[] = [];
      for await (const chunk of list.ascending()) chunks.push(chunk);
      await list.close();
      return { size: list.virtualSizeBytes, chunks };
    });
    if (!read.ok) return;
    if (closed !== 1) throw new Finding(`closed ${closed} times`);
    const tree = new ChunkTree(read.value.size, 'zeros');
    for (const { offsetBytes, digest } of read.value.chunks) tree.add(offsetBytes, digest);
    if (!bytes.toString('latin1').endsWith(` ${tree.root()}\n`)) throw new Finding('a list of another root was taken');
  },
};

/** A disk of three chunks, the last of them as long as what is hashed for a node. */
const [diskBytes, provenBytes] = [2 * mib + 65, Buffer.alloc(65, 7)];
const [beside, belowLeft] = [blake3('a node'), blake3('nothing')];
const top = nodeAbove(2, beside, nodeAbove(1, blake3(provenBytes), belowLeft));
const genuineRoot = rootAbove(diskBytes, top);
const genuineProof = JSON.stringify({
  schema: 1,
  merkleRoot: genuineRoot,
  virtualSizeBytes: diskBytes,
  offsetBytes: 2 * mib,
  beside: [belowLeft.toString('hex'), beside.toString('hex')],
  bytesBase64: provenBytes.toString('base64'),
});

/** A proof that gives the root of a disk is of what this disk has there. */
const chunkProof: Target = {
  name: 'chunk-proof',
  make: (random) => bytesInput(mutateText(random, genuineProof)),
  run: async (input) => {
    const parsed = proofDocument.safeParse(jsonOf(bytesOf(input)));
    if (!parsed.success) return;
    const bytes = Buffer.from(parsed.data.bytesBase64, 'base64');
    const root = rootByProof(parsed.data, bytes);
    const { virtualSizeBytes, offsetBytes } = parsed.data;
    if (root !== undefined && parsed.data.beside.length !== levelsOf(virtualSizeBytes))
      throw new Finding('a proof of another number of nodes was taken');
    if (root !== genuineRoot) return;
    if (virtualSizeBytes !== diskBytes || offsetBytes !== 2 * mib || !bytes.equals(provenBytes))
      throw new Finding('something else was proven');
  },
};

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

/** The parsers of what is held against a receipt. */
export const chunkTargets: readonly Target[] = [chunkList, chunkProof];
