import { BufferPool } from './buffer-pool';
import { batchBufferBytes } from './batches';
import type { SourceContent } from './content';
import { LineSpeed } from './line-speed';
import { SendWindow } from './send-window';
import { sendContent } from './sender';
import { mib } from './testing/hosts';
import { shapeOf } from './testing/images';
import { instantClock } from './testing/instant-clock';
import { seededBytes } from './testing/random';
import { pacedBytesMax, TokenBucket } from './token-bucket';

const kib = 1024;
const sizeBytes = 12 * mib;
const bytes = seededBytes(sizeBytes, 3);
const content: SourceContent = {
  facts: { type: 'image', shape: shapeOf({ virtualSizeBytes: sizeBytes }), fileSizeBytes: 1 },
  extents: () => [{ kind: 'data', offsetBytes: 0, lengthBytes: sizeBytes }],
  read: async (target, offsetBytes) => void bytes.copy(target, 0, offsetBytes),
  close: async () => undefined,
};

const unlimited = { bandwidthBytesPerSecondMax: null, bandwidthHours: null, hasSeed: false, unpacks: [] };
type Sent = { readonly bytes: number; readonly atMs: number };

/** Sends 12 MiB over a line that takes so many bytes a second, by the time since it began; answers what went out at once, and all of it. */
async function sendOver(bytesPerSecondAt: (ms: number) => number): Promise<{ sent: Sent[]; stream: Buffer }> {
  const clock = instantClock();
  const beganMs = clock.now();
  const sent: Sent[] = [];
  const parts: Buffer[] = [];
  let line = Promise.resolve();
  const send = (...slices: readonly Buffer[]): Promise<void> => {
    const record = Buffer.concat(slices);
    parts.push(record);
    line = line.then(() => {
      clock.advance((1000 * record.length) / bytesPerSecondAt(clock.now() - beganMs));
      sent.push({ bytes: record.length, atMs: clock.now() - beganMs });
    });
    return line;
  };
  const digest = await sendContent({
    content,
    start: { fromBytes: 0, digest: '0'.repeat(64), ...unlimited },
    wire: { send, free: () => line, streams: 1, signal: new AbortController().signal },
    window: new SendWindow(48 * mib),
    bucket: new TokenBucket(() => null, clock),
    line: new LineSpeed(clock),
    pool: new BufferPool(batchBufferBytes),
  });
  expect(digest).toBeDefined();
  return { sent, stream: Buffer.concat(parts) };
}

test('on a slow line no record is so large that nothing moves for long while it comes', async () => {
  const { sent } = await sendOver(() => 64 * kib);
  expect(Math.max(...sent.map((one) => one.bytes))).toBeLessThanOrEqual(pacedBytesMax);
});

test('on a fast line records are as large as they may be, once it has shown that it is fast', async () => {
  const { sent } = await sendOver(() => 500 * mib);
  expect(sent.filter((one) => one.bytes > mib).length).toBeGreaterThanOrEqual(4);
});

test('a line that becomes slow, or fast, has other records soon, and what comes out is the same on every line', async () => {
  const turned = await sendOver((ms) => (ms < 20 ? 500 * mib : 64 * kib));
  const late = turned.sent.filter((one) => one.bytes > pacedBytesMax && one.atMs > 2 * 32_000);
  expect(late.length).toBeLessThanOrEqual(2);
  const steady = await sendOver(() => 64 * kib);
  const fast = await sendOver((ms) => (ms < 20_000 ? 64 * kib : 500 * mib));
  expect(fast.sent.some((one) => one.bytes > mib)).toBe(true);
  expect(turned.stream.equals(steady.stream)).toBe(true);
  expect(fast.stream.equals(steady.stream)).toBe(true);
});
