import { openDisk } from '../../agent/disks/chain';
import { DiskError } from '../../agent/disks/failures';
import type { Disk } from '../../agent/disks/image';
import { newGuid } from '../../agent/disks/testing/disks';
import type { SeededRandom } from '../../agent/disks/testing/random';
import { seal } from '../../agent/disks/vhd/checksum';
import { crc32c, sealStructure } from '../../agent/disks/vhdx/crc32c';
import type { Base } from './bases';
import { FuzzFiles, type Snapshot } from './fuzz-files';
import type { FuzzInput, Target } from './input';
import { mutateBytes } from './mutate';

const kib = 1024;
const mib = 1024 * kib;

/** A structure of a format: where it stands, how much of it is worth changing, and how its checksum is made right again. */
type Structure = {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  /** Changes go into so much of its start. */
  readonly interestingBytes: number;
  readonly seal?: (bytes: Buffer) => void;
};

const vhdxStructures: readonly Structure[] = [
  ...[64 * kib, 128 * kib].map((offsetBytes) => ({
    offsetBytes,
    lengthBytes: 4 * kib,
    interestingBytes: 80,
    seal: sealStructure,
  })),
  ...[192 * kib, 256 * kib].map((offsetBytes) => ({
    offsetBytes,
    lengthBytes: 64 * kib,
    interestingBytes: 96,
    seal: sealStructure,
  })),
  { offsetBytes: 2 * mib, lengthBytes: 4 * kib, interestingBytes: 256 },
  { offsetBytes: 2 * mib + 64 * kib, lengthBytes: 4 * kib, interestingBytes: 400 },
  { offsetBytes: 3 * mib, lengthBytes: 4 * kib, interestingBytes: 64 },
  { offsetBytes: 3 * mib + 32 * kib, lengthBytes: 4 * kib, interestingBytes: 16 },
  { offsetBytes: 4 * mib, lengthBytes: 4 * kib, interestingBytes: 512 },
];
const logStructure: Structure = {
  offsetBytes: mib,
  lengthBytes: 64 * kib,
  interestingBytes: 64 * kib,
  seal: sealLogEntries,
};
const vhdStructures = (sizeBytes: number): readonly Structure[] => [
  { offsetBytes: 0, lengthBytes: 512, interestingBytes: 88, seal: (bytes) => seal(bytes, 64) },
  { offsetBytes: sizeBytes - 512, lengthBytes: 512, interestingBytes: 88, seal: (bytes) => seal(bytes, 64) },
  { offsetBytes: 512, lengthBytes: 1024, interestingBytes: 768, seal: (bytes) => seal(bytes, 36) },
  { offsetBytes: 1536, lengthBytes: 1024, interestingBytes: 600 },
];

/** The checksum of each entry whose length can be believed. */
function sealLogEntries(bytes: Buffer): void {
  for (let at = 0; at + 4096 <= bytes.length; at += 4096) {
    if (bytes.toString('latin1', at, at + 4) !== 'loge') continue;
    const lengthBytes = bytes.readUInt32LE(at + 8);
    if (lengthBytes % 4096 !== 0 || lengthBytes === 0 || at + lengthBytes > bytes.length) continue;
    bytes.writeUInt32LE(0, at + 4);
    bytes.writeUInt32LE(crc32c(bytes.subarray(at, at + lengthBytes)), at + 4);
  }
}

function pageRead({ pages }: Snapshot, offsetBytes: number, lengthBytes: number): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  for (let at = offsetBytes - (offsetBytes % 4096); at < offsetBytes + lengthBytes; at += 4096) {
    const page = pages.get(at / 4096);
    if (page === undefined) continue;
    const from = Math.max(at, offsetBytes);
    page.copy(bytes, from - offsetBytes, from - at, Math.min(4096, offsetBytes + lengthBytes - at));
  }
  return bytes;
}

type Patch = Extract<FuzzInput, { kind: 'image' }>['patches'][number];

function patchOf(random: SeededRandom, base: Base, structure: Structure): Patch {
  const bytes = pageRead(base.image, structure.offsetBytes, structure.lengthBytes);
  mutateBytes(random, bytes.subarray(0, structure.interestingBytes), 1 + random.below(3));
  // Most of the time the checksum is right, so that what lies behind it is reached.
  if (random.next() < 0.85) structure.seal?.(bytes);
  return { offsetBytes: structure.offsetBytes, bytes: bytes.toString('base64') };
}

function makeImage(random: SeededRandom, base: Base, structures: readonly Structure[]): FuzzInput {
  const patches: Patch[] = [];
  for (let count = 0; count <= random.below(3); count++) patches.push(patchOf(random, base, random.pick(structures)));
  const { sizeBytes } = base.image;
  const isCut = random.next() < 0.05;
  const lengthBytes = isCut ? random.below(sizeBytes + 2 * mib) : sizeBytes;
  return { kind: 'image', base: base.name, use: random.next() < 0.7 ? 'read' : 'write', lengthBytes, patches };
}

const piece = Buffer.alloc(64 * kib);
const extentsMax = 32;

/** Opens, looks around and, opened for writing, writes; whatever a disk says is wrong with it is well. */
async function exercise(input: FuzzInput, bases: readonly Base[]): Promise<void> {
  if (input.kind !== 'image') throw new RangeError('an input of another target');
  const base = bases.find((one) => one.name === input.base);
  if (base === undefined) throw new RangeError(`no base ${input.base}`);
  const files = new FuzzFiles();
  const path = `/vms/disk.${base.format}`;
  const file = files.add(path, base.image);
  for (const { offsetBytes, bytes } of input.patches) file.patch(Buffer.from(bytes, 'base64'), offsetBytes);
  if (input.lengthBytes !== file.sizeBytes) file.cut(input.lengthBytes);
  if (base.parent !== undefined) files.add('/vms/parent.vhdx', base.parent);
  const roots = { roots: ['/vms'], files };
  const write = { access: 'write', tables: 'logged', dataWriteId: 'new-at-first-write', newGuid } as const;
  const opened = await openDisk(path, input.use === 'read' ? { ...roots, access: 'read' } : { ...roots, ...write });
  if (!opened.ok) return;
  try {
    await lookAround(opened.value);
    if (input.use === 'write') await writeSome(opened.value);
    await opened.value.close();
  } catch (thrown) {
    if (!(thrown instanceof DiskError)) throw thrown;
  }
}

async function lookAround(disk: Disk): Promise<void> {
  for (const image of disk.images) {
    let seen = 0;
    for (const extent of image.extents(0, Math.min(image.shape.virtualSizeBytes, 2 ** 34))) {
      if (++seen > extentsMax) break;
      await disk.read(
        piece.subarray(
          0,
          Math.min(piece.length, extent.lengthBytes, Math.max(0, disk.virtualSizeBytes - extent.offsetBytes)),
        ),
        Math.min(extent.offsetBytes, disk.virtualSizeBytes),
      );
    }
  }
  await disk.read(piece.subarray(0, Math.min(piece.length, disk.virtualSizeBytes)), 0);
}

async function writeSome(disk: Disk): Promise<void> {
  const sectorBytes = disk.logicalSectorSizeBytes;
  for (const at of [0, Math.floor(disk.virtualSizeBytes / 2), disk.virtualSizeBytes - sectorBytes]) {
    const offset = at - (at % sectorBytes);
    await disk.write(piece.subarray(0, Math.min(sectorBytes, disk.virtualSizeBytes - offset)), offset);
    await disk.flush();
  }
}

const nastyPaths = [
  '..\\..\\etc\\passwd',
  '/etc/passwd',
  '..',
  '.\\..\\vms2\\x.vhdx',
  '\\\\server\\share\\x.vhdx',
  'C:\\vms\\parent.vhdx',
  '.\\parent.vhdx',
  '.\\disk.vhdx',
  '.\\disk.vhd',
  '/vms/../etc/passwd',
  '/vms/parent.vhdx',
  'a'.repeat(9000),
  './',
  '',
  '/vms',
  '/vms/parent.vhdx\0/etc/passwd',
];

/** A VHDX parent locator of any keys and values, with numbers that may lie. */
function nastyLocator(random: SeededRandom): Buffer {
  const keys = ['parent_linkage', 'parent_linkage2', 'relative_path', 'absolute_win32_path', 'volume_path', 'x'];
  const linkage = '{1c5d3a52-92a7-4b5e-a6a1-2d0c4b0d8f11}';
  const pairs = [['parent_linkage', linkage] as const].concat(
    Array.from({ length: random.below(5) }, () => [random.pick(keys), random.pick(nastyPaths)] as const) as never[],
  );
  const head = Buffer.alloc(20 + pairs.length * 12);
  head.write('b7ef4ab09ed1814ab78925b8e9445913', 0, 'hex');
  head.writeUInt16LE(pairs.length, 18);
  const texts: Buffer[] = [];
  let at = head.length;
  for (const [index, pair] of pairs.entries()) {
    const [key, value] = pair.map((text) => Buffer.from(text, 'utf16le'));
    if (key === undefined || value === undefined) continue;
    head.writeUInt32LE(at, 20 + index * 12);
    head.writeUInt32LE(at + key.length, 24 + index * 12);
    head.writeUInt16LE(key.length, 28 + index * 12);
    head.writeUInt16LE(value.length, 30 + index * 12);
    texts.push(key, value);
    at += key.length + value.length;
  }
  const locator = Buffer.concat([head, ...texts]);
  if (random.next() < 0.3) mutateBytes(random, locator, 1 + random.below(3));
  return locator;
}

function makeLocator(random: SeededRandom, bases: readonly Base[]): FuzzInput {
  const isVhd = random.next() < 0.5;
  const base = bases.find(({ name }) => name === (isVhd ? 'vhd-differencing' : 'vhdx-differencing'));
  if (base === undefined) throw new RangeError('a base is missing');
  const patches = isVhd ? vhdLocatorPatches(random, base) : vhdxLocatorPatches(random, base);
  return { kind: 'image', base: base.name, use: 'read', lengthBytes: base.image.sizeBytes, patches };
}

/** Behind the other items; the entry of the locator, the sixth of the table, is made to name it. */
function vhdxLocatorPatches(random: SeededRandom, base: Base): Patch[] {
  const locator = nastyLocator(random);
  const entry = pageRead(base.image, 2 * mib + 32 + 5 * 32, 32);
  entry.writeUInt32LE(128 * kib, 16);
  entry.writeUInt32LE(locator.length, 20);
  return [
    { offsetBytes: 2 * mib + 128 * kib, bytes: locator.toString('base64') },
    { offsetBytes: 2 * mib + 32 + 5 * 32, bytes: entry.toString('base64') },
  ];
}

function vhdLocatorPatches(random: SeededRandom, base: Base): Patch[] {
  const text = Buffer.from(random.pick(nastyPaths).slice(0, 240), 'utf16le');
  const header = pageRead(base.image, 512, 1024);
  const place = Number(header.readBigUInt64BE(576 + 16));
  header.writeUInt32BE(text.length, 576 + 8);
  if (random.next() < 0.5) header.write(random.pick(['W2ku', 'W2ru', 'MacX', 'Wi2k']), 576, 'latin1');
  const name = Buffer.from(random.pick(nastyPaths).slice(0, 200), 'utf16le').swap16();
  if (random.next() < 0.5) name.copy(header, 64);
  if (random.next() < 0.3) header.fill(0, 576, 576 + 48);
  return [
    { offsetBytes: place, bytes: text.toString('base64') },
    { offsetBytes: 512, bytes: seal(header, 36).toString('base64') },
  ];
}

/** The parsers of disk images, their logs and their parent locators. */
export function diskTargets(bases: readonly Base[]): Target[] {
  const run = (input: FuzzInput) => exercise(input, bases);
  const named = (word: string) => bases.filter(({ name }) => name.startsWith(word));
  const logs = bases.filter(({ name }) => name.endsWith('log'));
  return [
    { name: 'vhdx', make: (random) => makeImage(random, random.pick(named('vhdx')), vhdxStructures), run },
    {
      name: 'vhd',
      make: (random) => {
        const base = random.pick(named('vhd-'));
        return makeImage(random, base, vhdStructures(base.image.sizeBytes));
      },
      run,
    },
    {
      name: 'log',
      make: (random) => makeImage(random, random.pick(logs), [logStructure, logStructure, ...vhdxStructures]),
      run,
    },
    { name: 'locator', make: (random) => makeLocator(random, bases), run },
  ];
}
