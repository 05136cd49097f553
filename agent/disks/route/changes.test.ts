import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { succeeded } from '../../../contracts/failure';
import { pullSubject } from '../../../contracts/operations';
import { valueOf } from '../failures';
import { openVhdx } from '../vhdx';
import type { Served } from './content-store';
import { pullFile } from './pull';
import { failureCodeOf, makeHosts, mib, pullOf, startSource, watermarkIn, type Hosts } from './testing/hosts';
import { contentOf, makeImage, shapeOf, vhdShapeOf } from './testing/images';
import { seededBytes } from './testing/random';

const round = (number: number) => pullSubject.parse({ type: 'changes', diskId: 'scsi-0-0', index: 0, round: number });
const point = (contentId: string, trackingId = 'rctX:one') => ({ trackingId, contentId });
const shape = shapeOf({ virtualSizeBytes: 16 * mib });
const after = randomUUID();

let hosts: Hosts;
let sourcePath: string;
let copyPath: string;
let journalPath: string;
const closing: (() => Promise<void>)[] = [];
beforeEach(async () => {
  hosts = await makeHosts();
  sourcePath = join(hosts.folder, 'source.vhdx');
  copyPath = join(hosts.folder, 'copy');
  journalPath = join(hosts.folder, 'copy-round-1.journal');
  await makeImage(copyPath, shape, [{ offsetBytes: 0, data: seededBytes(16 * mib, 1) }]);
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await hosts.remove();
});

/** The source has other data from 4 MiB on, and zeros in the last four; from 8 to 12 MiB nobody says that it changed. */
async function changedSource(): Promise<Buffer> {
  const data = Buffer.concat([seededBytes(4 * mib, 1), seededBytes(8 * mib, 2)]);
  await makeImage(sourcePath, { ...shape, dataWriteId: randomUUID() }, [{ offsetBytes: 0, data }]);
  return data;
}

const changes: Required<Served>['changes'] = {
  since: point(shape.dataWriteId),
  until: point(after, 'rctX:two'),
  ranges: [
    [4 * mib, 4 * mib],
    [12 * mib, 4 * mib],
  ],
};

async function serve(changed: Partial<typeof changes> = {}): Promise<number> {
  const route = await startSource(hosts, sourcePath, {
    locate: async () => succeeded({ path: sourcePath, changes: { ...changes, ...changed } }),
  });
  closing.push(route.close);
  return route.port;
}

const pull = async (port: number, more: Partial<Parameters<typeof pullOf>[2]> = {}) =>
  pullFile(pullOf(hosts, port, { subject: round(1), path: copyPath, journalPath, ...more }));

test('a round brings what changed and nothing else, and the copy stands at its end', async () => {
  const data = await changedSource();
  const pulled = valueOf(await pull(await serve()));
  expect(pulled).toMatchObject({ dataBytes: 4 * mib, zeroBytes: 4 * mib, sentBytes: 4 * mib });
  const copy = await contentOf(copyPath);
  expect(copy.bytes.subarray(0, 8 * mib).equals(data.subarray(0, 8 * mib))).toBe(true);
  expect(copy.bytes.subarray(8 * mib, 12 * mib).equals(seededBytes(16 * mib, 1).subarray(8 * mib, 12 * mib))).toBe(
    true,
  );
  expect(copy.bytes.subarray(12 * mib).every((byte) => byte === 0)).toBe(true);
  expect(copy.shape.dataWriteId).toBe(after);
});

test('a round that is stopped goes on where it was, and ends as one that was not', async () => {
  await changedSource();
  const port = await serve();
  const stopping = new AbortController();
  const slow = await pull(port, {
    bandwidthBytesPerSecondMax: 2 * mib,
    signal: stopping.signal,
    report: ({ watermarkBytes }) => {
      if ((watermarkBytes ?? 0) >= 5 * mib) stopping.abort();
    },
  });
  expect(failureCodeOf(slow)).toBe('CanceledByOperator');
  const kept = await watermarkIn(journalPath);
  expect(kept).toBeGreaterThanOrEqual(5 * mib);
  const pulled = valueOf(await pull(port, { ledgerWatermarkBytes: kept }));
  expect(pulled.dataBytes).toBe(4 * mib);
  expect((await contentOf(copyPath)).shape.dataWriteId).toBe(after);
  expect(valueOf(await pull(port))).toEqual(pulled);
});

test('a round whose journal is lost is written again over what was written, and the copy is not removed', async () => {
  await changedSource();
  const port = await serve();
  const first = valueOf(await pull(port));
  const again = valueOf(await pull(port, { journalPath: `${journalPath}.other` }));
  expect(again.digest).toBe(first.digest);
  expect((await contentOf(copyPath)).bytes.subarray(0, mib).equals(seededBytes(mib, 1))).toBe(true);
});

describe('generations do not mix', () => {
  test('changes since another point than the one where the copy stands are refused, and nothing is written', async () => {
    await changedSource();
    const before = await contentOf(copyPath);
    const outcome = await pull(await serve({ since: point(randomUUID()) }));
    expect(outcome).toMatchObject({ failure: { code: 'SourceChanged' } });
    expect((await contentOf(copyPath)).bytes.equals(before.bytes)).toBe(true);
  });

  test('changes of another disk are refused', async () => {
    await makeImage(sourcePath, { ...shape, virtualDiskId: randomUUID() }, []);
    expect(failureCodeOf(await pull(await serve()))).toBe('SourceChanged');
  });

  test('changes of a disk of another size are refused', async () => {
    await makeImage(sourcePath, { ...shape, virtualSizeBytes: 32 * mib }, []);
    expect(failureCodeOf(await pull(await serve()))).toBe('SourceChanged');
  });

  test.each([
    ['the tracking began anew', { since: point(shape.dataWriteId, 'rctX:other') }],
    ['the round is another', { until: point(randomUUID()) }],
  ])('a round that was begun is not gone on with when %s', async (_, changed) => {
    await changedSource();
    const stopping = new AbortController();
    const port = await serve();
    await pull(port, {
      bandwidthBytesPerSecondMax: 2 * mib,
      signal: stopping.signal,
      report: ({ watermarkBytes }) => {
        if ((watermarkBytes ?? 0) >= 5 * mib) stopping.abort();
      },
    });
    expect(failureCodeOf(await pull(await serve(changed)))).toBe('SourceChanged');
  });
});

describe('of a VHD, whose one id is that of its content', () => {
  const vhd = vhdShapeOf({ virtualSizeBytes: 16 * mib });
  /** A layer that was written since the copy was made. */
  async function layer(): Promise<void> {
    sourcePath = join(hosts.folder, 'layer.avhd');
    const parent = { dataWriteId: vhd.dataWriteId, relativePath: 'base.vhd' };
    const child = vhdShapeOf({ kind: 'differencing', virtualSizeBytes: 16 * mib, parent });
    await makeImage(sourcePath, child, [
      { offsetBytes: 4 * mib, data: seededBytes(mib, 9) },
      { offsetBytes: 12 * mib, zeroBytes: mib },
    ]);
  }

  beforeEach(async () => {
    await rm(copyPath);
    await makeImage(copyPath, vhd, [{ offsetBytes: 0, data: seededBytes(16 * mib, 1) }], 'vhd');
  });

  test('a round brings what a layer holds into the copy, which then stands at the end of the round', async () => {
    await layer();
    const port = await serve({ since: point(vhd.dataWriteId) });
    const pulled = valueOf(await pull(port));
    expect(pulled.dataBytes + pulled.zeroBytes).toBe(2 * mib);
    const copy = await contentOf(copyPath, 'vhd');
    const expected = seededBytes(16 * mib, 1);
    seededBytes(mib, 9).copy(expected, 4 * mib);
    expected.fill(0, 12 * mib, 13 * mib);
    expect(copy.bytes.equals(expected)).toBe(true);
    expect(copy.shape).toMatchObject({ kind: 'dynamic', dataWriteId: after, virtualDiskId: after });
    expect(valueOf(await pull(port))).toEqual(pulled);
  });

  test('a round that begins at another point is refused, and nothing is written', async () => {
    await layer();
    const before = await readFile(copyPath);
    expect(failureCodeOf(await pull(await serve({ since: point(randomUUID()) })))).toBe('SourceChanged');
    expect((await readFile(copyPath)).equals(before)).toBe(true);
  });
});

test('of a differencing image, zeros and data inside of the ranges come, and what is below it is left alone', async () => {
  const parent = { dataWriteId: randomUUID(), relativePath: 'base.vhdx' };
  const child = { ...shape, kind: 'differencing' as const, parent };
  const data = seededBytes(2 * mib, 9);
  await makeImage(sourcePath, child, [
    { offsetBytes: 4 * mib, data },
    { offsetBytes: 12 * mib, zeroBytes: 2 * mib },
  ]);
  const pulled = valueOf(await pull(await serve()));
  expect(pulled.dataBytes).toBe(2 * mib);
  const copy = valueOf(await openVhdx(copyPath, { access: 'read' }));
  const bytes = Buffer.alloc(16 * mib);
  await copy.read(bytes, 0);
  await copy.close();
  const was = seededBytes(16 * mib, 1);
  expect(bytes.subarray(4 * mib, 6 * mib).equals(data)).toBe(true);
  expect(bytes.subarray(6 * mib, 12 * mib).equals(was.subarray(6 * mib, 12 * mib))).toBe(true);
  expect(bytes.subarray(12 * mib, 14 * mib).every((byte) => byte === 0)).toBe(true);
  expect(bytes.subarray(14 * mib).equals(was.subarray(14 * mib))).toBe(true);
});
