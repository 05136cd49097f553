import type { SeededRandom } from '../../agent/disks/testing/random';

const numbers = [
  0, 1, 2, 6, 7, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0x100000, 0x7fffffff, 0x80000000, 0xffffffff,
];

/** Changes some bytes in place: a bit, a byte, a field of two, four or eight bytes in either order, a run, a copy from elsewhere. */
export function mutateBytes(random: SeededRandom, bytes: Buffer, times: number): void {
  for (let time = 0; time < times && bytes.length > 0; time++) mutateOnce(random, bytes, random.below(bytes.length));
}

function mutateOnce(random: SeededRandom, bytes: Buffer, at: number): void {
  const room = bytes.length - at;
  switch (random.below(6)) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      return;
    case 1:
      bytes[at] = random.below(256);
      return;
    case 2:
      if (room >= 2) bytes.writeUInt16LE(random.pick(numbers) & 0xffff, at);
      return;
    case 3:
      if (room >= 8) writeField(random, bytes, at);
      return;
    case 4:
      bytes.fill(random.pick([0, 0xff, random.below(256)]), at, at + Math.min(room, 1 + random.below(64)));
      return;
    default:
      bytes.copy(bytes, at, random.below(bytes.length), at + Math.min(room, 1 + random.below(64)));
  }
}

function writeField(random: SeededRandom, bytes: Buffer, at: number): void {
  const near = bytes.readUInt32LE(at) + random.pick([-1, 1, -512, 512, 4096, 0x100000]);
  const value = (random.next() < 0.5 ? random.pick(numbers) : near) >>> 0;
  switch (random.below(4)) {
    case 0:
      bytes.writeUInt32LE(value, at);
      return;
    case 1:
      bytes.writeUInt32BE(value, at);
      return;
    case 2:
      bytes.writeBigUInt64LE(BigInt(value) << BigInt(random.pick([0, 8, 20, 32])), at);
      return;
    default:
      bytes.writeBigUInt64BE(BigInt(value) << BigInt(random.pick([0, 8, 20, 32])), at);
  }
}

/** The same text with bytes changed, cut, doubled, or another piece of JSON in the place of a value. */
export function mutateText(random: SeededRandom, text: string): Buffer {
  if (random.next() < 0.5) return Buffer.from(mutateJson(random, text));
  const bytes = Buffer.from(text);
  mutateBytes(random, bytes, 1 + random.below(4));
  const cut = random.next();
  if (cut < 0.2) return bytes.subarray(0, random.below(bytes.length + 1));
  return cut < 0.3 ? Buffer.concat([bytes, bytes.subarray(random.below(bytes.length + 1))]) : bytes;
}

const values: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  1e308,
  2 ** 53,
  '',
  '\0',
  '../../etc/passwd',
  'x'.repeat(300),
  [],
  {},
  [[]],
  { __proto__: 1 },
  '9'.repeat(400),
  '\ud800',
];

function mutateJson(random: SeededRandom, text: string): string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return text;
  }
  for (let time = 0; time <= random.below(3); time++) json = changed(random, json, 6);
  return JSON.stringify(json);
}

function changed(random: SeededRandom, value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth === 0 || random.next() < 0.15) return random.pick(values);
  if (Array.isArray(value))
    return value.map((one: unknown, index) => (index === 0 ? changed(random, one, depth - 1) : one));
  const entries = Object.entries(value);
  const chosen = random.below(Math.max(1, entries.length));
  const kept = random.next() < 0.1 ? entries.filter((_, index) => index !== chosen) : entries;
  return Object.fromEntries(
    kept.map(([key, one], index) => [key, index === chosen ? changed(random, one, depth - 1) : (one as unknown)]),
  );
}
