import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failureOf } from '../../../contracts/failure';
import { DiskError } from '../failures';
import type { WritableImage } from '../image';
import { createRaw, openRaw } from '../raw';
import { codeOf, well } from '../testing/disks';
import { SeededRandom } from '../testing/random';
import { copyImage, type CopySource, type CopyTarget } from './copy-image';

const mib = 1024 * 1024;
const sizeBytes = 150 * mib;
const folder = mkdtempSync(join(tmpdir(), 'hyperferry-copy-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'copy.raw');
const content = Buffer.alloc(sizeBytes);
for (let at = 0; at < sizeBytes; at += mib) content.fill(new SeededRandom(at).below(256), at, at + mib);

const source = (change: Partial<CopySource> = {}): CopySource => ({
  virtualSizeBytes: sizeBytes,
  *extents(fromBytes) {
    yield { offsetBytes: fromBytes, lengthBytes: sizeBytes - fromBytes, kind: 'data' };
  },
  read: async (bytes, offset) => {
    bytes.set(content.subarray(offset, offset + bytes.length));
  },
  identity: 'one',
  ...change,
});

/** A raw target whose image is changed before it is used. */
function target(change: (image: WritableImage) => Partial<WritableImage> = () => ({})): CopyTarget {
  const changed = (image: WritableImage): WritableImage => {
    const plain = {
      path: image.path,
      shape: image.shape,
      fileSizeBytes: image.fileSizeBytes,
      extents: image.extents.bind(image),
      read: image.read.bind(image),
      write: image.write.bind(image),
      writeZeros: image.writeZeros.bind(image),
      flush: image.flush.bind(image),
      close: image.close.bind(image),
    };
    return { ...plain, ...change(image) };
  };
  return {
    path,
    hasParent: false,
    create: async (partial) => ({ ok: true, value: changed(well(await createRaw(partial, sizeBytes))) }),
    open: async (partial) => ({ ok: true, value: changed(well(await openRaw(partial, 'write'))) }),
  };
}

const copy = (from: CopySource, to: CopyTarget, signal = new AbortController().signal) =>
  copyImage({ source: from, target: to, signal, report: () => undefined });

beforeEach(() => {
  for (const name of ['copy.raw', 'copy.raw.partial', 'copy.raw.partial.json'])
    rmSync(join(folder, name), { force: true });
});

const diskError = (code: 'DiskFull' | 'IoFailed') => new DiskError(failureOf(code, { message: `${path}: no` }));

it.each([
  {
    what: 'a full volume',
    code: 'DiskFull',
    from: source(),
    to: target((image) => ({
      write: async (data, offset) => {
        if (offset > 100 * mib) throw diskError('DiskFull');
        await image.write(data, offset);
      },
    })),
  },
  {
    what: 'a read error in the middle of the source',
    code: 'IoFailed',
    from: source({
      read: async (bytes, offset) => {
        if (offset > 100 * mib) throw diskError('IoFailed');
        bytes.set(content.subarray(offset, offset + bytes.length));
      },
    }),
    to: target(),
  },
])('$what ends it by name, and the copy goes on once that is gone', async ({ code, from, to }) => {
  expect(codeOf(await copy(from, to))).toBe(code);
  expect(existsSync(path)).toBe(false);
  const { resumedFromBytes } = well(await copy(source(), target()));
  expect(resumedFromBytes).toBeGreaterThanOrEqual(64 * mib);
  expect(readFileSync(path).equals(content)).toBe(true);
});

it('a bit that changes on the way to the disk ends it before the copy has its name', async () => {
  const flipping = target((image) => ({
    write: async (data, offset) => {
      const bytes = Buffer.from(data);
      if (offset === 70 * mib) bytes[5] = (bytes[5] ?? 0) ^ 4;
      await image.write(bytes, offset);
    },
  }));
  expect(codeOf(await copy(source(), flipping))).toBe('DigestMismatch');
  expect(existsSync(path)).toBe(false);
  // The watermark stands before the damage, so that going on writes it again.
  well(await copy(source(), target()));
  expect(readFileSync(path).equals(content)).toBe(true);
});

it('a record that is damaged, or of a target that somebody took meanwhile, is refused by name', async () => {
  writeFileSync(`${path}.partial.json`, '{"schema":1');
  expect(codeOf(await copy(source(), target()))).toBe('JournalDamaged');
  rmSync(`${path}.partial.json`);
  const taking = source({
    read: async (bytes, offset) => {
      if (offset === 120 * mib) writeFileSync(path, 'somebody');
      bytes.set(content.subarray(offset, offset + bytes.length));
    },
  });
  expect(codeOf(await copy(taking, target()))).toBe('DestinationOccupied');
  expect(readFileSync(path, 'utf8')).toBe('somebody');
  rmSync(path);
  well(await copy(source(), target()));
  expect(readFileSync(path).equals(content)).toBe(true);
});
