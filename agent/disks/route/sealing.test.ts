import { createSecretKey } from 'node:crypto';
import { recordHeadBytes, recordNumberBytes, sealedContentBytesMax } from './records';
import { contentKeyBytes, freeAll, Opener, sealBytes, Sealer, type ContentKeys } from './sealing';
import { seededBytes, seededRandom } from './testing/random';

const keysOf =
  (connection: number): ContentKeys =>
  (generation) =>
    createSecretKey(seededBytes(contentKeyBytes, 1000 * connection + generation));

const contents = [1, 15, 16, 17, 512, 262_144, 262_145, 700_001, sealedContentBytesMax].map((lengthBytes, at) =>
  seededBytes(lengthBytes, at + 1),
);
const sealedBy = (sealer: Sealer): Buffer[] => contents.map((content) => Buffer.concat(sealer.seal(content)));
const bodyOf = (record: Buffer): Buffer => record.subarray(recordHeadBytes);
const whatever = (): boolean => true;
const opened = (opener: Opener, record: Buffer): Buffer | undefined => {
  const found = opener.open(bodyOf(record), whatever);
  return found && Buffer.concat(found.pieces);
};

test('what was sealed is opened as it was, and its length is in the head', () => {
  const opener = new Opener(keysOf(1));
  const records = sealedBy(new Sealer(keysOf(1)));
  records.forEach((record, at) => {
    expect(record.readUInt32LE(1)).toBe(record.length - recordHeadBytes);
    expect(opened(opener, record)?.equals(contents[at] ?? Buffer.alloc(0))).toBe(true);
  });
});

test('records are opened in whatever order they come, each with its number', () => {
  const opener = new Opener(keysOf(1), 3);
  const records = sealedBy(new Sealer(keysOf(1), 3));
  for (const number of [2, 0, 4, 3, 1, 6, 8, 7, 5]) {
    const found = opener.open(bodyOf(records[number] ?? Buffer.alloc(0)), whatever);
    expect(found?.number).toBe(number);
    expect(Buffer.concat(found?.pieces ?? []).equals(contents[number] ?? Buffer.alloc(0))).toBe(true);
  }
});

test('a number that is of no use is not looked at further, and another number than it was sealed with opens nothing', () => {
  const body = bodyOf(sealedBy(new Sealer(keysOf(1)))[2] ?? Buffer.alloc(0));
  const asked: number[] = [];
  const refuse = (number: number): boolean => (asked.push(number), false);
  expect(new Opener(keysOf(1)).open(body, refuse)).toBeUndefined();
  expect(asked).toEqual([2]);
  body[0] = 3;
  expect(new Opener(keysOf(1)).open(body, whatever)).toBeUndefined();
  body[7] = 0xff;
  expect(new Opener(keysOf(1)).open(body, whatever)).toBeUndefined();
});

test('content in several pieces is sealed as if it stood in one', () => {
  const pieces = [seededBytes(45, 1), seededBytes(300_000, 2), seededBytes(1, 3), seededBytes(17, 4)];
  const apart = Buffer.concat(new Sealer(keysOf(1)).seal(...pieces));
  expect(apart.equals(Buffer.concat(new Sealer(keysOf(1)).seal(Buffer.concat(pieces))))).toBe(true);
});

test('no record shows what is in it, nor that two hold the same', () => {
  const sealer = new Sealer(keysOf(1));
  const content = Buffer.alloc(4096, 'secret');
  const [one, other] = [Buffer.concat(sealer.seal(content)), Buffer.concat(sealer.seal(content))];
  expect(one.includes('secret')).toBe(false);
  for (let at = recordHeadBytes; at + 16 <= one.length; at += 16)
    expect(other.includes(one.subarray(at, at + 16))).toBe(false);
});

test('a record with any one bit changed is not opened', () => {
  const record = Buffer.concat(new Sealer(keysOf(1)).seal(seededBytes(300, 9)));
  for (let at = recordHeadBytes; at < record.length; at++) {
    const changed = Buffer.from(record);
    changed[at] = changed.readUInt8(at) ^ (1 << (at % 8));
    expect(opened(new Opener(keysOf(1)), changed)).toBeUndefined();
  }
});

test.each<[string, (records: Buffer[]) => (Buffer | undefined)[]]>([
  ['a record that is cut', ([first]) => [first?.subarray(0, -1)]],
  ['a record that is longer', ([first = Buffer.alloc(0)]) => [Buffer.concat([first, Buffer.alloc(1)])]],
  ['nothing but a seal', ([first]) => [first?.subarray(0, recordHeadBytes + recordNumberBytes + sealBytes)]],
  ['less than a seal', ([first]) => [first?.subarray(0, recordHeadBytes + recordNumberBytes + sealBytes - 1)]],
  ['less than a number', ([first]) => [first?.subarray(0, recordHeadBytes + recordNumberBytes - 1)]],
  ['the record of another connection', () => [sealedBy(new Sealer(keysOf(2)))[0]]],
])('%s is not opened', (_, change) => {
  const opener = new Opener(keysOf(1));
  const records = change(sealedBy(new Sealer(keysOf(1))));
  const results = records.map((record = Buffer.alloc(0)) => opened(opener, record));
  expect(results.at(-1)).toBeUndefined();
});

test('each generation of records has a key of its own, and both ends change it at the same record', () => {
  const used: number[] = [];
  const counted: ContentKeys = (generation) => {
    used.push(generation);
    return keysOf(1)(generation);
  };
  const sealer = new Sealer(counted, 3);
  const opener = new Opener(keysOf(1), 3);
  for (let record = 0; record < 10; record++) {
    const content = seededBytes(40, record);
    expect(opened(opener, Buffer.concat(sealer.seal(content)))?.equals(content)).toBe(true);
  }
  expect(used).toEqual([0, 1, 2, 3]);
});

test('random changes of random records are never opened', () => {
  const random = seededRandom(11);
  for (let round = 0; round < 500; round++) {
    const content = seededBytes(1 + Math.floor(random() * 2000), round);
    const record = Buffer.concat(new Sealer(keysOf(1)).seal(content));
    const at = recordHeadBytes + Math.floor(random() * (record.length - recordHeadBytes));
    record[at] = record.readUInt8(at) ^ (1 + Math.floor(random() * 255));
    expect(opened(new Opener(keysOf(1)), record)).toBeUndefined();
  }
});

test('what was given back is gone, and memory that others share is left alone', () => {
  const own = Buffer.from(new ArrayBuffer(8192));
  const shared = Buffer.from(new ArrayBuffer(16_384), 0, 8192);
  freeAll([own, shared]);
  expect([own.length, shared.length]).toEqual([0, 8192]);
});
