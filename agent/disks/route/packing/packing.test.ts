import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { valueOf } from '../../failures';
import { compactHead } from '../frames';
import { blockDigest, chainFrom } from '../digest';
import { pullFile } from '../pull';
import { startFakeSource } from '../testing/fake-source';
import { failureCodeOf, makeHosts, mib, pullOf, startSource, type Hosts } from '../testing/hosts';
import { contentOf, makeImage, shapeOf } from '../testing/images';
import { instantClock } from '../testing/instant-clock';
import { seededBytes } from '../testing/random';
import { Packer } from './packer';
import { pack, unpack } from './zstd';

/** Bytes of which zstd makes about a half. */
function packable(lengthBytes: number): Buffer {
  const bytes = seededBytes(lengthBytes, 3);
  for (let at = 0; at < bytes.length; at += 64) bytes.fill(0, at, Math.min(bytes.length, at + 32));
  return bytes;
}

describe('unpacking', () => {
  test.each([1, 4096, 100_001, mib])('gives back %d bytes as they were', (bytes) => {
    expect(unpack(pack(packable(bytes)), bytes)?.equals(packable(bytes))).toBe(true);
  });

  test.each<[string, Buffer, number]>([
    ['more bytes than were said', pack(Buffer.alloc(mib)), mib - 1],
    ['fewer bytes than were said', pack(Buffer.alloc(1000)), 1001],
    ['a thousand times what was said', zstdCompressSync(Buffer.alloc(200 * mib)), mib / 5],
    ['bytes that nobody packed', seededBytes(5000, 1), 9000],
    ['half of what was packed', pack(packable(mib)).subarray(0, 300_000), mib],
    ['nothing', Buffer.alloc(0), 10],
  ])('refuses %s', (_, packed, bytes) => {
    expect(unpack(packed, bytes)).toBeUndefined();
  });
});

describe('whether packing pays', () => {
  /** A line and a packer that takes time: each block that is tried costs what a block of so many bytes a second costs. */
  function packerOn(lineBytesPerSecond: number | undefined, packedBytesPerSecond = 200 * mib) {
    const clock = instantClock();
    let asked = 0;
    const ticking = {
      ...clock,
      now: () => (asked++ % 2 === 0 ? clock.now() : (clock.advance((1000 * mib) / packedBytesPerSecond), clock.now())),
    };
    const line: { bytesPerSecond: number | undefined } = { bytesPerSecond: lineBytesPerSecond };
    const packer = new Packer(line, ticking);
    const packed = (bytes: Buffer, blocks: number): number =>
      Array.from({ length: blocks }, () => packer.pack(bytes)).filter((one) => one !== undefined).length;
    return { line, packed, tried: () => asked / 2 };
  }

  test('on a slow line every block that shrinks is packed', () => {
    expect(packerOn(10 * mib).packed(packable(mib), 20)).toBe(20);
  });

  test('what does not shrink by a tenth travels as it is, and is hardly tried after a while', () => {
    const { packed, tried } = packerOn(10 * mib);
    expect(packed(seededBytes(mib, 1), 1000)).toBe(0);
    expect(tried()).toBeLessThan(20);
  });

  test('a fast line pays nothing: nothing is tried', () => {
    const { packed, tried } = packerOn(2000 * mib);
    expect(packed(packable(mib), 200)).toBe(0);
    expect(tried()).toBe(0);
  });

  test('before anything is known of the line nothing is tried', () => {
    expect(packerOn(undefined).packed(packable(mib), 10)).toBe(0);
  });

  test('a line on which the packer would be in the way is hardly tried', () => {
    const { packed, tried } = packerOn(150 * mib);
    expect(packed(packable(mib), 200)).toBeLessThan(6);
    expect(tried()).toBeLessThan(6);
  });

  test('a line that becomes slow has its blocks packed soon', () => {
    const { line, packed } = packerOn(150 * mib);
    packed(packable(mib), 10);
    line.bytesPerSecond = 5 * mib;
    expect(packed(packable(mib), 10)).toBe(10);
  });
});

describe('a pull over a line with a limit', () => {
  let hosts: Hosts;
  beforeEach(async () => {
    hosts = await makeHosts();
  });
  afterEach(() => hosts.remove());

  test('brings the same disk with fewer bytes on the line', async () => {
    const sourcePath = join(hosts.folder, 'source.vhdx');
    await makeImage(sourcePath, shapeOf(), [{ offsetBytes: 0, data: packable(10 * mib) }]);
    const route = await startSource(hosts, sourcePath);
    const output = valueOf(await pullFile(pullOf(hosts, route.port, { bandwidthBytesPerSecondMax: 3 * mib })));
    await route.close();
    expect((await contentOf(output.path)).bytes.equals((await contentOf(sourcePath)).bytes)).toBe(true);
    expect(output).toMatchObject({ sentBytes: 10 * mib, resentBytes: 0 });
    expect(output.savedBytes).toBeGreaterThan(mib);
  });

  test.each<[string, (bytes: Buffer) => Buffer]>([
    ['of other bytes', (bytes) => pack(Buffer.from(bytes.map((byte) => byte ^ 1)))],
    ['that unpacks to more', (bytes) => pack(Buffer.concat([bytes, Buffer.alloc(mib)]))],
    ['that is damaged', (bytes) => pack(bytes).fill(0x55, 100, 200)],
  ])('never writes a packed block %s', async (_, packOther) => {
    const shape = shapeOf({ virtualSizeBytes: 4 * mib });
    const bytes = packable(mib);
    const source = await startFakeSource(hosts, (frame, { say, send }) => {
      const facts = { type: 'image', shape, fileSizeBytes: 5 * mib } as const;
      if (frame.kind === 'open') say({ kind: 'facts', message: { facts, extentBytes: mib, windowBytes: 32 * mib } });
      if (frame.kind !== 'start') return;
      const digest = blockDigest(bytes);
      const packed = packOther(bytes);
      const block = { offsetBytes: 0, lengthBytes: bytes.length, digest, taken: 0, isPacked: true };
      send(Buffer.concat([compactHead(block, packed.length), packed]));
      const chain = chainFrom(frame.message.digest);
      chain.add('data', 0, bytes.length, digest);
      say({ kind: 'end', message: { digest: chain.digest } });
    });
    const outcome = await pullFile(pullOf(hosts, source.port));
    await source.close();
    expect(failureCodeOf(outcome)).toBe('DigestMismatch');
    expect((await contentOf(join(hosts.folder, 'copy'))).bytes.equals(Buffer.alloc(4 * mib))).toBe(true);
  });
});
