import { blake3 } from '@napi-rs/blake-hash';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChunkDigest } from '../chunks';
import { outcomeOf } from '../failures';
import { plainRoot } from '../testing/plain-merkle';
import { SeededRandom } from '../testing/random';
import { mib } from '../vhdx/numbers';
import { changedRanges, type ChangedRange } from './changed-ranges';
import { ChunkList, ChunkListLines } from './chunk-list';

const folder = mkdtempSync(join(tmpdir(), 'hyperferry-chunk-list-'));
const path = join(folder, 'a.chunks');
afterAll(() => rmSync(folder, { recursive: true }));

const zeros = blake3(Buffer.alloc(mib));
const given = async function* (digests: readonly ChunkDigest[]): AsyncGenerator<ChunkDigest> {
  for (const digest of digests) yield await Promise.resolve(digest);
};
const chunk = (index: number, text: string): ChunkDigest => ({ offsetBytes: index * mib, digest: blake3(text) });

const textOfChunk = ({ offsetBytes, digest }: ChunkDigest): string => `${offsetBytes} ${digest.toString('hex')}`;

async function textOf(sizeBytes: number, digests: readonly ChunkDigest[]): Promise<string> {
  let text = '';
  for await (const line of new ChunkListLines(sizeBytes, given(digests)).lines()) text += line;
  return text;
}

async function read(text: string): Promise<{ root: string; digests: ChunkDigest[]; sizeBytes: number }> {
  writeFileSync(path, text, 'latin1');
  const list = await ChunkList.open({ path, field: 'LIST' });
  try {
    const digests: ChunkDigest[] = [];
    for await (const digest of list.ascending()) digests.push(digest);
    return { root: await list.merkleRoot(), digests, sizeBytes: list.virtualSizeBytes };
  } finally {
    await list.close();
  }
}

const refusalOf = async (text: string): Promise<string> => {
  const outcome = await outcomeOf(() => read(text));
  return outcome.ok ? 'nothing is wrong' : `${outcome.failure.code}: ${outcome.failure.message}`;
};

it('is lines of equal length, of the chunks that do not read zero, with the Merkle root at the end', async () => {
  const digests = [chunk(0, 'a'), { offsetBytes: mib, digest: zeros }, chunk(3, 'b')];
  const text = await textOf(4 * mib + 512, digests);
  const leaves = [blake3('a'), zeros, zeros, blake3('b'), blake3(Buffer.alloc(512))];
  expect(text.split('\n')).toEqual([
    'hyperferry-chunks-1 0000000004194816',
    `0000000000000000 ${blake3('a').toString('hex')}`,
    `0000000003145728 ${blake3('b').toString('hex')}`,
    `0000000004194816 ${plainRoot(4 * mib + 512, leaves)}`,
    '',
  ]);
});

it('is read as it was written, also one that is longer than what is read at once', async () => {
  const many = Array.from({ length: 2500 }, (_, index) => chunk(2 * index, `${index}`));
  for (const digests of [[], many.slice(0, 1), many]) {
    const text = await textOf(6000 * mib, digests);
    const { root, sizeBytes, digests: found } = await read(text);
    expect(sizeBytes).toBe(6000 * mib);
    expect(found.map(textOfChunk)).toEqual(digests.map(textOfChunk));
    expect(text.endsWith(` ${root}\n`)).toBe(true);
  }
});

it('is refused when anything of it is missing, changed, added or in another place', async () => {
  const text = await textOf(4 * mib, [chunk(0, 'a'), chunk(1, 'b'), chunk(3, 'c')]);
  expect(await refusalOf(text)).toBe('nothing is wrong');
  const [head = '', one = '', two = '', three = '', last = ''] = text.split(/(?<=\n)/);
  const wrong = [
    [head, two, one, three, last],
    [head, one, one, two, three, last],
    [head, one, two, last],
    [head, one, two, three],
    [head, one, two, three, last, last],
    [head, one, two, three, last, one],
    [head, one, two, three.replace('0000000003145728', '0000000003145729'), last],
    [head, one, two, three.replace('0000000003145728', '0000000009437184'), last],
    [head.replace('4194304', '9999999'), one, two, three, last],
    [head.replace('0000000004194304', '9999999999999999'), one, two, three, last],
    [head.replace('chunks-1', 'chunks-2'), one, two, three, last],
    [one, two, three, last],
    [],
    ['x'.repeat(300_000)],
  ];
  for (const lines of wrong) expect(await refusalOf(lines.join(''))).toMatch(/^RequestInvalid: .*no whole chunk list/);
  for (let at = 0; at < text.length; at += 3)
    expect(await refusalOf(text.slice(0, at))).toMatch(/^RequestInvalid: .*no whole chunk list/);
  const random = new SeededRandom(7);
  for (let round = 0; round < 100; round += 1) {
    const at = random.below(text.length);
    const other = String.fromCharCode((text.charCodeAt(at) + 1 + random.below(255)) % 256);
    expect(await refusalOf(text.slice(0, at) + other + text.slice(at + 1))).toMatch(/^RequestInvalid: /);
  }
  expect(readFileSync(path, 'latin1')).not.toBe(text);
});

it('changed ranges are the runs of chunks that two disks do not have in common', async () => {
  const random = new SeededRandom(8);
  for (let round = 0; round < 60; round += 1) {
    const sizeBytes = (1 + random.below(30)) * mib - (random.below(2) === 0 ? 512 : 0);
    const count = Math.ceil(sizeBytes / mib);
    const zeroAt = (at: number) => (sizeBytes - at * mib < mib ? blake3(Buffer.alloc(sizeBytes - at * mib)) : zeros);
    const any = () => Array.from({ length: count }, (_, at) => [zeroAt(at), blake3('a'), blake3('b')][random.below(3)]);
    const [one, other] = [any(), any()];
    const known = (leaves: typeof one) =>
      leaves.flatMap((digest, at): ChunkDigest[] =>
        digest === undefined || (digest.equals(zeroAt(at)) && random.below(2) === 0)
          ? []
          : [{ offsetBytes: at * mib, digest }],
      );
    const ranges: ChangedRange[] = [];
    for await (const range of changedRanges(sizeBytes, given(known(one)), given(known(other)))) ranges.push(range);
    const isIn = (at: number) =>
      ranges.some(({ offsetBytes, lengthBytes }) => offsetBytes <= at && at < offsetBytes + lengthBytes);
    for (let at = 0; at < count; at += 1)
      expect(isIn(at * mib)).toBe(one[at]?.equals(other[at] ?? Buffer.of()) === false);
    for (const [index, range] of ranges.entries()) {
      const before = ranges[index - 1];
      expect(range.offsetBytes + range.lengthBytes).toBeLessThanOrEqual(sizeBytes);
      if (before !== undefined) expect(range.offsetBytes).toBeGreaterThan(before.offsetBytes + before.lengthBytes);
    }
  }
});
