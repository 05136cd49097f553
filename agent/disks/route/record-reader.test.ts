import { RecordReader } from './record-reader';
import type { recordKinds } from './records';
import { recordHead, recordNumberBytes, sealedContentBytesMax, tlsRecordBytesMax } from './records';
import { sealBytes } from './sealing';
import { seededBytes, seededRandom } from './testing/random';

function readerOf(refuse?: string) {
  const tls: Buffer[] = [];
  const sealed: Buffer[] = [];
  const reader = new RecordReader({
    onTls: (bytes) => tls.push(Buffer.from(bytes)),
    onSealed: (bytes) => {
      sealed.push(Buffer.from(bytes));
      return refuse;
    },
  });
  reader.takeSealed();
  return { reader, tls, sealed };
}

const recordOf = (kind: keyof typeof recordKinds, body: Buffer): Buffer =>
  Buffer.concat([recordHead(kind, body.length), body]);
const headOf = (kind: number, lengthBytes: number): Buffer => {
  const head = recordHead('tls', lengthBytes);
  head[0] = kind;
  return head;
};

test('records come out as they went in, wherever the bytes are cut', () => {
  const tlsParts = [seededBytes(3, 1), seededBytes(20_000, 2), seededBytes(1, 3)];
  const sealedParts = [seededBytes(17, 4), seededBytes(9_000, 5)];
  const [a, b, c] = tlsParts.map((part) => recordOf('tls', part));
  const [d, e] = sealedParts.map((part) => recordOf('sealed', part));
  const stream = Buffer.concat([a, d, b, e, c].flatMap((record) => record ?? []));
  const random = seededRandom(3);
  for (const chunkBytesMax of [1, 7, 5000, stream.length]) {
    const { reader, tls, sealed } = readerOf();
    const broken = new Set<string | undefined>();
    for (let at = 0; at < stream.length;) {
      const bytes = 1 + Math.floor(random() * chunkBytesMax);
      broken.add(reader.push(stream.subarray(at, at + bytes)));
      at += bytes;
    }
    expect([...broken]).toEqual([undefined]);
    expect(Buffer.concat(tls).equals(Buffer.concat(tlsParts))).toBe(true);
    expect(sealed.map((part, at) => part.equals(sealedParts[at] ?? part))).toEqual([true, true]);
  }
});

test('bytes of TLS are passed on as they come, before their record is whole', () => {
  const { reader, tls } = readerOf();
  reader.push(recordOf('tls', Buffer.from('hello')).subarray(0, 7));
  expect(Buffer.concat(tls).toString()).toBe('he');
});

test.each([
  ['a kind that there is not', headOf(4, 10), /kind 4/],
  ['a token where a connection stands already', headOf(3, 32), /kind 3/],
  ['what TLS itself begins with', Buffer.from([0x16, 3, 1, 0, 5]), /kind 22/],
  [
    'a sealed record of one byte too many',
    headOf(2, recordNumberBytes + sealedContentBytesMax + sealBytes + 1),
    /at most/,
  ],
  ['a record of TLS of one byte too many', headOf(1, tlsRecordBytesMax + 1), /at most/],
  ['a record of 4 GiB', headOf(2, 0xffff_ffff), /at most/],
  ['an empty record', headOf(1, 0), /nothing in it/],
])('%s is refused, and nothing after it counts', (_, head, reason) => {
  const { reader, tls, sealed } = readerOf();
  expect(reader.push(head)).toMatch(reason);
  expect(reader.push(recordOf('tls', Buffer.from('more')))).toMatch(reason);
  expect(reader.space.length).toBeGreaterThan(0);
  expect({ tls, sealed }).toEqual({ tls: [], sealed: [] });
});

test('a sealed record is refused by its head where none was asked for', () => {
  const reader = new RecordReader({ onTls: () => undefined, onSealed: () => undefined });
  expect(reader.push(recordOf('tls', Buffer.from('hello')))).toBeUndefined();
  expect(reader.push(recordHead('sealed', 100))).toMatch(/before it was asked/);
});

test('beside its connection nothing but sealed records is taken', () => {
  const sealed: Buffer[] = [];
  const onSealed = (body: Buffer): undefined => void sealed.push(Buffer.from(body));
  const reader = new RecordReader({ onTls: () => undefined, onSealed });
  reader.takeOnlySealed();
  expect(reader.push(recordOf('sealed', Buffer.from('content')))).toBeUndefined();
  expect(sealed.map(String)).toEqual(['content']);
  expect(reader.push(recordHead('tls', 5))).toMatch(/beside its connection/);
});

test('a sealed record that is refused is the last one', () => {
  const { reader, sealed } = readerOf('not genuine');
  const record = recordOf('sealed', seededBytes(100, 6));
  expect(reader.push(Buffer.concat([record, record]))).toBe('not genuine');
  expect(sealed).toHaveLength(1);
});

test('a sealed record of the longest length has room, and all of them the same', () => {
  const { reader, sealed } = readerOf();
  const longest = seededBytes(recordNumberBytes + sealedContentBytesMax + sealBytes, 7);
  for (let time = 0; time < 3; time++) expect(reader.push(recordOf('sealed', longest))).toBeUndefined();
  expect(sealed.every((body) => body.equals(longest))).toBe(true);
});
