import { blake3 } from '@napi-rs/blake-hash';

// The Merkle root of decision 0028 written a second time, for tests to judge by: from an array of all chunks, level by level, nothing left out.

const nothing = Buffer.alloc(32);

/** From the digest of every chunk of a disk; undefined for those that the tree says nothing of. */
export function plainRoot(virtualSizeBytes: number, leaves: readonly (Buffer | undefined)[]): string {
  let nodes = leaves.length === 0 ? [undefined] : [...leaves];
  for (let level = 1; nodes.length > 1; level += 1) {
    const above: (Buffer | undefined)[] = [];
    for (let at = 0; at < nodes.length; at += 2) {
      const [left, right] = [nodes[at], nodes[at + 1]];
      const isNothing = left === undefined && right === undefined;
      above.push(isNothing ? undefined : blake3(Buffer.from([level, ...(left ?? nothing), ...(right ?? nothing)])));
    }
    nodes = above;
  }
  return plainRootOver(virtualSizeBytes, nodes[0] ?? nothing);
}

export function plainRootOver(virtualSizeBytes: number, top: Buffer): string {
  const size = Buffer.alloc(8);
  size.writeUInt32LE(virtualSizeBytes % 2 ** 32, 0);
  size.writeUInt32LE(Math.floor(virtualSizeBytes / 2 ** 32), 4);
  return blake3(Buffer.concat([Buffer.from('hyperferry-disk-v1\n', 'ascii'), size, top])).toString('hex');
}
