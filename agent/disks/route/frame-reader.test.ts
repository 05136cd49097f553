import { blockBytesMax } from '../../../contracts/limits';
import { failureOf } from '../../../contracts/failure';
import { restBytesOf, type CompactBlock } from './compact';
import { FrameReader } from './frame-reader';
import {
  compactHead,
  contentFromSource,
  encodeFrame,
  frameKinds,
  fromDestination,
  fromSource,
  type Frame,
  type Inbound,
  type PlainFrame,
} from './frames';
import { dataFrame } from './testing/fake-source';
import { run } from './testing/hosts';
import { shapeOf } from './testing/images';
import { seededBytes, seededRandom } from './testing/random';

function readerOf(inbound: Inbound) {
  const frames: Frame[] = [];
  const taken: Buffer[] = [];
  const released: Buffer[] = [];
  const reader = new FrameReader(inbound, {
    takeBuffer: (bytes) => {
      const buffer = Buffer.alloc(bytes);
      taken.push(buffer);
      return buffer;
    },
    releaseBuffer: (buffer) => released.push(buffer),
    onFrame: (frame) => frames.push(frame),
  });
  return { reader, frames, taken, released };
}

const head = (bodyBytes: number, kind: number): Buffer => {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32LE(bodyBytes, 0);
  bytes[4] = kind;
  return bytes;
};

const digest = 'ab'.repeat(32);
const unlimited = { bandwidthBytesPerSecondMax: null, bandwidthHours: null, hasSeed: true, unpacks: ['zstd'] };
const said: PlainFrame[] = [
  {
    kind: 'facts',
    message: {
      facts: { type: 'image', shape: shapeOf(), fileSizeBytes: 12_345 },
      extentBytes: 999,
      windowBytes: 32 * 1024 * 1024,
      streamsMax: 8,
    },
  },
  {
    kind: 'facts',
    message: {
      facts: { type: 'file', fileSizeBytes: 0, modifiedAtNs: '17' },
      extentBytes: 0,
      windowBytes: 2 ** 21,
      streamsMax: 1,
    },
  },
  { kind: 'refusal', failure: failureOf('TicketExpired', { message: 'too late' }) },
  { kind: 'alive' },
];
const withoutData: PlainFrame[] = [
  { kind: 'zero', offsetBytes: 2 ** 40, lengthBytes: 2 ** 33 },
  { kind: 'skip', toBytes: Number.MAX_SAFE_INTEGER, passedBytes: 0 },
  { kind: 'end', message: { digest } },
];

test('every frame that a source says comes out as it went in', () => {
  const { reader, frames } = readerOf(fromSource);
  expect(reader.push(Buffer.concat(said.map(encodeFrame)))).toBeUndefined();
  expect(frames).toEqual(said);
});

test('every frame of content comes out as it went in, wherever the bytes are cut', () => {
  const data = seededBytes(70_001, 1);
  const last = { kind: 'skip', toBytes: 2 ** 41, passedBytes: 1 } as const;
  const stream = Buffer.concat([...withoutData.map(encodeFrame), dataFrame(4096, data), encodeFrame(last)]);
  const random = seededRandom(7);
  for (const chunkBytesMax of [1, 3, 50, 4096, stream.length]) {
    const { reader, frames } = readerOf(contentFromSource);
    const broken = new Set<string | undefined>();
    for (let at = 0; at < stream.length;) {
      const bytes = 1 + Math.floor(random() * chunkBytesMax);
      broken.add(reader.push(stream.subarray(at, at + bytes)));
      at += bytes;
    }
    expect([...broken]).toEqual([undefined]);
    const dataAt = withoutData.length;
    expect(frames.filter((_, index) => index !== dataAt)).toEqual([...withoutData, last]);
    expect(frames[dataAt]).toMatchObject({ kind: 'data', offsetBytes: 4096, bytes: data });
  }
});

test('what has come of a block is told while it comes, and nothing of it once it is whole', () => {
  const { reader, frames } = readerOf(contentFromSource);
  const frame = dataFrame(0, seededBytes(1000, 9));
  const headBytes = frame.length - 1000;
  for (const bytes of [1, 400, 999]) {
    const one = readerOf(contentFromSource).reader;
    one.push(frame.subarray(0, headBytes + bytes));
    expect(one.arrivingBytes).toBe(bytes);
  }
  reader.push(frame);
  expect([frames.length, reader.arrivingBytes]).toEqual([1, 0]);
});

test('every frame of a destination comes out as it went in', () => {
  const sent: PlainFrame[] = [
    { kind: 'open', message: { contract: 1, runId: run, ticket: 'a.b' } },
    { kind: 'start', message: { fromBytes: 512, digest, ...unlimited } },
    { kind: 'watermark', atBytes: 2 ** 45 },
    { kind: 'alive' },
  ];
  const { reader, frames } = readerOf(fromDestination);
  expect(reader.push(Buffer.concat(sent.map(encodeFrame)))).toBeUndefined();
  expect(frames).toEqual(sent);
});

test('a start of before there were seeds and packing asks for neither', () => {
  const { reader, frames } = readerOf(fromDestination);
  const old = Buffer.from(JSON.stringify({ fromBytes: 0, digest, bandwidthBytesPerSecondMax: null }));
  expect(reader.push(Buffer.concat([head(old.length, frameKinds.start), old]))).toBeUndefined();
  expect(frames).toMatchObject([{ kind: 'start', message: { hasSeed: false, unpacks: [], bandwidthHours: null } }]);
});

test('a compact frame and the digests of a seed come out as they went in', () => {
  const block = { offsetBytes: 2 ** 40 + 4096, lengthBytes: 200_000, digest: seededBytes(32, 1), taken: 0b101 };
  const rest = seededBytes(restBytesOf({ ...block, isPacked: false }), 2);
  const compact = Buffer.concat([compactHead({ ...block, isPacked: false }, rest.length), rest]);
  const { reader, frames } = readerOf(contentFromSource);
  expect(reader.push(compact)).toBeUndefined();
  expect(frames).toEqual([{ kind: 'compact', ...block, isPacked: false, rest }]);
  const told = { kind: 'told', toBytes: 2 ** 30, digests: seededBytes(2 * 264, 3) } as const;
  const other = readerOf(fromDestination);
  expect(other.reader.push(encodeFrame(told))).toBeUndefined();
  expect(other.frames).toEqual([told]);
});

const compactOf = (change: Partial<CompactBlock>, restBytes = 65_536 - 4096): Buffer => {
  const block = { offsetBytes: 4096, lengthBytes: 100_000, digest: seededBytes(32, 1), taken: 0b10, isPacked: false };
  return Buffer.concat([compactHead({ ...block, ...change }, restBytes), Buffer.alloc(restBytes)]);
};

test.each<[string, Buffer, RegExp]>([
  ['for no bytes', compactOf({ lengthBytes: 0 }), /for 0 bytes/],
  ['for more than a block', compactOf({ lengthBytes: blockBytesMax + 1 }), /for 1048577 bytes/],
  ['that takes pieces that there are not', compactOf({ taken: 0b100 }), /mean nothing/],
  ['with a byte too few', compactOf({}, 61_439), /are not in the seed/],
  ['with a byte too many', compactOf({}, 61_441), /are not in the seed/],
  ['packed to no less than it has', compactOf({ isPacked: true }), /are not in the seed/],
  ['packed to nothing', compactOf({ isPacked: true }, 0), /are not in the seed/],
  ['that saves nothing', compactOf({ taken: 0 }, 100_000), /saves nothing/],
])('a compact frame %s is none', (_, bytes, reason) => {
  const { reader, frames } = readerOf(contentFromSource);
  expect(reader.push(bytes)).toMatch(reason);
  expect(frames).toEqual([]);
});

test.each([
  ['a data frame of one byte too many', contentFromSource, head(40 + blockBytesMax + 1, frameKinds.data), /at most/],
  ['a data frame without data', contentFromSource, head(40, frameKinds.data), /without data/],
  ['an open of 4 GiB', fromDestination, head(0xffff_ffff, frameKinds.open), /at most/],
  ['a frame of an unknown kind', fromSource, head(0, 99), /kind 99/],
  ['a data frame from a destination', fromDestination, head(1000, frameKinds.data), /does not belong/],
  ['a data frame that is said and not sealed', fromSource, head(1000, frameKinds.data), /does not belong/],
  ['a refusal among content', contentFromSource, head(10, frameKinds.refusal), /does not belong/],
  ['a watermark from a source', fromSource, head(8, frameKinds.watermark), /does not belong/],
  [
    'a watermark of 7 bytes',
    fromDestination,
    Buffer.concat([head(7, frameKinds.watermark), Buffer.alloc(7)]),
    /its numbers/,
  ],
  [
    'an offset above 2^53',
    contentFromSource,
    Buffer.concat([head(16, frameKinds.zero), Buffer.alloc(16, 0xff)]),
    /its numbers/,
  ],
  [
    'an open that is not JSON',
    fromDestination,
    Buffer.concat([head(3, frameKinds.open), Buffer.from('{a}')]),
    /not JSON/,
  ],
  [
    'an open of another contract',
    fromDestination,
    Buffer.concat([head(14, frameKinds.open), Buffer.from('{"contract":2}')]),
    /"contract"/,
  ],
])('%s is refused before anything is allocated for it, and nothing after it counts', (_, inbound, bytes, reason) => {
  const { reader, frames, taken } = readerOf(inbound);
  expect(reader.push(bytes)).toMatch(reason);
  expect(reader.push(encodeFrame({ kind: 'alive' }))).toMatch(reason);
  expect({ frames, taken }).toEqual({ frames: [], taken: [] });
});

test('a facts frame with a shape that no VHDX can have is refused', () => {
  const facts = { type: 'image', shape: { ...shapeOf(), blockSizeBytes: 3 * 1024 * 1024 }, fileSizeBytes: 1 };
  const text = Buffer.from(JSON.stringify({ facts, extentBytes: 0, windowBytes: 2 ** 22, streamsMax: 1 }));
  const { reader } = readerOf(fromSource);
  expect(reader.push(Buffer.concat([head(text.length, frameKinds.facts), text]))).toMatch(/power of two/);
});

test('garbage never throws and never makes a frame of data that the digest of nobody fits', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const { reader, frames } = readerOf([fromSource, contentFromSource, fromDestination][seed % 3] ?? fromSource);
    expect(() => reader.push(seededBytes(600, seed))).not.toThrow();
    expect(frames.filter((frame) => frame.kind !== 'alive' && frame.kind !== 'data')).toEqual([]);
  }
});

test('the buffer of a frame that did not come whole is given back, once', () => {
  const { reader, taken, released } = readerOf(contentFromSource);
  reader.push(dataFrame(0, seededBytes(1000, 3)).subarray(0, 500));
  reader.abandon();
  reader.abandon();
  expect(taken).toHaveLength(1);
  expect(released).toEqual(taken);
});
