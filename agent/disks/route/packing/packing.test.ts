import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { valueOf } from '../../failures';
import type { Outcome } from '../../../../contracts/failure';
import type { OperationOutput } from '../../../../contracts/operations';
import { batchBufferBytes } from '../batches';
import { BufferPool } from '../buffer-pool';
import type { SourceContent } from '../content';
import { FrameReader } from '../frame-reader';
import { compactHead, contentFromSource, type Frame } from '../frames';
import { LineSpeed } from '../line-speed';
import { SendWindow } from '../send-window';
import { sendContent } from '../sender';
import { TokenBucket } from '../token-bucket';
import { blockDigest, chainFrom } from '../digest';
import { pullFile } from '../pull';
import { startFakeSource } from '../testing/fake-source';
import { failureCodeOf, makeHosts, mib, pullOf, type Hosts } from '../testing/hosts';
import { contentOf, shapeOf } from '../testing/images';
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

describe('what a source sends over a line of 4 MiB a second', () => {
  const sizeBytes = 24 * mib;
  const bytes = Buffer.concat([packable(12 * mib), seededBytes(12 * mib, 4)]);
  const content: SourceContent = {
    facts: { type: 'image', shape: shapeOf({ virtualSizeBytes: sizeBytes }), fileSizeBytes: 1 },
    extents: () => [{ kind: 'data', offsetBytes: 0, lengthBytes: sizeBytes }],
    read: async (target, offsetBytes) => void bytes.copy(target, 0, offsetBytes),
    close: async () => undefined,
  };

  async function sent(packs: 'packs' | 'packs not'): Promise<{ stream: Buffer; digest: string | undefined }> {
    const clock = instantClock();
    const parts: Buffer[] = [];
    let onTheWay = Promise.resolve();
    const send = (...slices: readonly Buffer[]): Promise<void> => {
      const record = Buffer.concat(slices);
      parts.push(record);
      onTheWay = onTheWay.then(() => clock.advance((1000 * record.length) / (4 * mib)));
      return onTheWay;
    };
    const line = new LineSpeed(clock);
    const packer = new Packer(line, clock);
    const limits = { bandwidthBytesPerSecondMax: null, bandwidthHours: null, hasSeed: false, unpacks: [] };
    const digest = await sendContent({
      content,
      start: { fromBytes: 0, digest: '0'.repeat(64), ...limits },
      wire: { send, free: () => onTheWay, streams: 1, signal: new AbortController().signal },
      window: new SendWindow(48 * mib),
      bucket: new TokenBucket(() => null, clock),
      line,
      pool: new BufferPool(batchBufferBytes),
      ...(packs === 'packs' && { pack: (data: Uint8Array) => packer.pack(data) }),
    });
    return { stream: Buffer.concat(parts), digest };
  }

  test('is packed where it shrinks, once the line is known, and is the same content with the same digest', async () => {
    const [packed, plain] = [await sent('packs'), await sent('packs not')];
    expect(packed.digest).toBe(plain.digest);
    expect(plain.stream.length - packed.stream.length).toBeGreaterThan(2 * mib);
    const came = Buffer.alloc(sizeBytes);
    let compact = 0;
    const onFrame = (frame: Frame): void => {
      if (frame.kind === 'data') frame.bytes.copy(came, frame.offsetBytes);
      if (frame.kind !== 'compact') return;
      compact += 1;
      unpack(frame.rest, frame.lengthBytes)?.copy(came, frame.offsetBytes);
    };
    const sink = { takeBuffer: (length: number) => Buffer.alloc(length), releaseBuffer: () => undefined, onFrame };
    expect(new FrameReader(contentFromSource, sink).push(packed.stream)).toBeUndefined();
    expect(came.equals(bytes)).toBe(true);
    // Twelve mebibytes of it pack; the first of them came before anything was known of the line.
    expect(compact).toBeGreaterThan(4);
    expect(compact).toBeLessThanOrEqual(12);
  });

  test('is never packed for a destination that unpacks nothing', async () => {
    expect((await sent('packs not')).stream.length).toBeGreaterThan(sizeBytes);
  });
});

describe('a pull', () => {
  const shape = shapeOf({ virtualSizeBytes: 4 * mib });
  const bytes = packable(mib);
  let hosts: Hosts;
  beforeEach(async () => {
    hosts = await makeHosts();
  });
  afterEach(() => hosts.remove());

  /** Pulls one block from a source that packs it in its own way. */
  async function pulled(packed: Buffer): Promise<Outcome<OperationOutput<'pull'>>> {
    const source = await startFakeSource(hosts, (frame, { say, send }) => {
      const facts = { type: 'image', shape, fileSizeBytes: 5 * mib } as const;
      if (frame.kind === 'open')
        say({ kind: 'facts', message: { facts, extentBytes: mib, windowBytes: 32 * mib, streamsMax: 1 } });
      if (frame.kind !== 'start') return;
      const digest = blockDigest(bytes);
      const block = { offsetBytes: 0, lengthBytes: bytes.length, digest, taken: 0, isPacked: true };
      send(Buffer.concat([compactHead(block, packed.length), packed]));
      const chain = chainFrom(frame.message.digest);
      chain.add('data', 0, bytes.length, digest);
      say({ kind: 'end', message: { digest: chain.digest } });
    });
    const outcome = await pullFile(pullOf(hosts, source.port));
    await source.close();
    return outcome;
  }
  const copied = async (): Promise<Buffer> => (await contentOf(join(hosts.folder, 'copy'))).bytes;

  test('writes what a packed block unpacks to, and counts what was saved', async () => {
    const packed = pack(bytes);
    const output = valueOf(await pulled(packed));
    expect((await copied()).subarray(0, mib).equals(bytes)).toBe(true);
    expect(output).toMatchObject({ sentBytes: mib, dataBytes: mib, savedBytes: mib - packed.length, resentBytes: 0 });
  });

  test.each<[string, () => Buffer]>([
    ['of other bytes', () => pack(Buffer.from(bytes.map((byte) => byte ^ 1)))],
    ['that unpacks to more', () => pack(Buffer.concat([bytes, Buffer.alloc(mib)]))],
    ['that is damaged', () => pack(bytes).fill(0x55, 100, 200)],
  ])('never writes a packed block %s', async (_, packOther) => {
    expect(failureCodeOf(await pulled(packOther()))).toBe('DigestMismatch');
    expect((await copied()).equals(Buffer.alloc(4 * mib))).toBe(true);
  });
});
