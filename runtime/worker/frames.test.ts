import { PassThrough } from 'node:stream';
import { FrameChannel, frameBytesMax } from './frames';

function pair() {
  const wire = new PassThrough();
  const values: unknown[] = [];
  const ends: string[] = [];
  const channel = new FrameChannel(
    wire,
    (value) => values.push(value),
    (reason) => ends.push(reason),
  );
  return { wire, values, ends, channel };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** The bytes of a value as a channel sends it. */
function frameOf(value: unknown): Buffer {
  const text = Buffer.from(JSON.stringify(value));
  const header = Buffer.alloc(4);
  header.writeUInt32BE(text.length);
  return Buffer.concat([header, text]);
}

test('values arrive whole and in order, however the bytes are cut', async () => {
  const sent = [{ a: 1 }, 'é'.repeat(100), [], { deep: { er: [null, true] } }, ''];
  const bytes = Buffer.concat(sent.map(frameOf));
  for (const step of [1, 2, 3, 7, 64, bytes.length]) {
    const { wire, values } = pair();
    for (let at = 0; at < bytes.length; at += step) wire.write(bytes.subarray(at, at + step));
    await settled();
    expect(values).toEqual(sent);
  }
});

test('what one side sends the other gets', async () => {
  const { channel, values } = pair();
  channel.send({ x: 'y' });
  channel.send(2);
  await settled();
  expect(values).toEqual([{ x: 'y' }, 2]);
});

test('a length beyond the limit ends the channel before memory is taken', async () => {
  const { wire, values, ends } = pair();
  const header = Buffer.alloc(8);
  header.writeUInt32BE(frameBytesMax + 1);
  wire.write(header);
  await settled();
  expect([values, ends]).toEqual([[], [expect.stringContaining('is longer than')]]);
});

test('bytes that are no JSON end the channel, once', async () => {
  const { wire, ends } = pair();
  wire.write(Buffer.from([0, 0, 0, 2, 0x7b, 0x7b]));
  await settled();
  await settled();
  expect(ends).toHaveLength(1);
});
