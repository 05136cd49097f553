import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OperationProgress } from '../../../contracts/operations';
import { bandwidthHours } from '../../../contracts/bandwidth';
import { systemClock } from '../../clock';
import { valueOf } from '../failures';
import type { ImageShape } from '../image';
import { openSource } from '../route/content-store';
import { pullFile } from '../route/pull';
import { failureCodeOf, fileSubject, makeHosts, mib, pullOf, startSource } from '../route/testing/hosts';
import { contentOf, makeImage, shapeOf, somePieces, vhdShapeOf } from '../route/testing/images';
import { seededBytes } from '../route/testing/random';
import { routeImages } from '../route/route-images';
import { BlocksUnderWay } from './blocks-under-way';
import { fetchContent } from './fetch';
import { stagingKeysFrom } from './keys';
import { stageContent } from './stage';
import { expectSameImage, small } from './testing/disks';
import { fetchOf, stageOf } from './testing/ends';
import { MemoryStore } from './testing/memory-store';

let folder: string;
let sourcePath: string;
let store: MemoryStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hyperferry-staged-'));
  sourcePath = join(folder, 'source.vhdx');
  store = new MemoryStore();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const parent = { dataWriteId: randomUUID(), relativePath: '.\\base.vhdx', absolutePath: 'C:\\vms\\base.vhdx' };
const shapes: [string, Partial<ImageShape>][] = [
  ['dynamic', {}],
  ['fixed with 4096-byte sectors', { kind: 'fixed', logicalSectorSizeBytes: 4096 }],
  ['differencing', { kind: 'differencing', parent }],
];

test.each(shapes)(
  'a staged copy of a %s image is the same image, with the digest that the direct route gives',
  async (_, changes) => {
    const shape = shapeOf({ virtualSizeBytes: 12 * mib + 4096, ...changes });
    await makeImage(sourcePath, shape, somePieces(11, shape.logicalSectorSizeBytes, shape.virtualSizeBytes));
    const staged = valueOf(await stageContent(stageOf(store, sourcePath)));
    const output = valueOf(await fetchContent(fetchOf(store, folder)));
    await expectSameImage(output.path, sourcePath);
    const hosts = await makeHosts();
    const route = await startSource(hosts, sourcePath);
    const direct = valueOf(await pullFile(pullOf(hosts, route.port)));
    await route.close();
    await hosts.remove();
    // How much packing kept off the line depends on the line.
    expect(output).toEqual({ ...direct, path: output.path, savedBytes: undefined });
    expect(staged).toMatchObject({ digest: direct.digest, dataBytes: direct.dataBytes, zeroBytes: direct.zeroBytes });
  },
);

test.each([
  ['dynamic', {}],
  ['fixed', { kind: 'fixed' }],
  ['differencing', { kind: 'differencing', parent: { dataWriteId: randomUUID(), relativePath: '.\\base.vhd' } }],
] as [string, Partial<ImageShape>][])('a staged copy of a %s VHD is the same VHD', async (_, changes) => {
  sourcePath = join(folder, 'source.vhd');
  const shape = vhdShapeOf({ virtualSizeBytes: 12 * mib + 512, ...changes });
  await makeImage(sourcePath, shape, somePieces(13, 512, shape.virtualSizeBytes));
  const staged = valueOf(await stageContent(stageOf(store, sourcePath)));
  const output = valueOf(await fetchContent(fetchOf(store, folder)));
  expect(output.digest).toBe(staged.digest);
  await expectSameImage(output.path, sourcePath);
});

test('a copy that is made while its source still stages ends when the source does', async () => {
  await makeImage(sourcePath, small(), [{ offsetBytes: 0, data: seededBytes(6 * mib, 1) }]);
  const waits = new Set<string>();
  const report = ({ waitingFor }: OperationProgress): void => {
    if (waitingFor !== null) waits.add(waitingFor.replace(/ since .*/, ''));
  };
  const fetching = fetchContent(fetchOf(store, folder, { report }));
  while (waits.size === 0) await systemClock.sleep(2);
  valueOf(await stageContent(stageOf(store, sourcePath)));
  await expectSameImage(valueOf(await fetching).path, sourcePath);
  expect([...waits]).toEqual(['the source to stage more,']);
});

test('zeros are neither put nor fetched', async () => {
  await makeImage(sourcePath, shapeOf(), [
    { offsetBytes: 0, data: Buffer.alloc(20 * mib) },
    { offsetBytes: 20 * mib, data: seededBytes(mib, 1) },
  ]);
  const staged = valueOf(await stageContent(stageOf(store, sourcePath)));
  expect(staged).toMatchObject({ putBytes: mib, dataBytes: mib, zeroBytes: 21 * mib });
  expect(store.names('blocks/')).toHaveLength(1);
  expect(valueOf(await fetchContent(fetchOf(store, folder)))).toMatchObject({ dataBytes: mib, sentBytes: mib });
});

test.each([0, 1, mib - 1, 3 * mib + 17])(
  'a plain file of %d bytes is staged and copied as it is',
  async (sizeBytes) => {
    const content = seededBytes(sizeBytes, 4);
    await writeFile(sourcePath, content);
    const open = () => openSource(routeImages(), { path: sourcePath }, 'file');
    valueOf(await stageContent(stageOf(store, sourcePath, { open, name: 'memory' })));
    const fetched = valueOf(await fetchContent(fetchOf(store, folder, { subject: fileSubject, name: 'memory' })));
    expect((await readFile(fetched.path)).equals(content)).toBe(true);
  },
);

test('operations of one agent that come to the same blocks at the same time put each once', async () => {
  await makeImage(sourcePath, small(), [{ offsetBytes: 0, data: seededBytes(6 * mib, 1) }]);
  const underWay = new BlocksUnderWay();
  const names = ['one', 'two', 'three'];
  const outputs = await Promise.all(names.map((name) => stageContent(stageOf(store, sourcePath, { name, underWay }))));
  expect(outputs.reduce((sum, output) => sum + valueOf(output).putBytes, 0)).toBe(6 * mib);
  const blockPuts = store.calls.filter((call) => call.startsWith('put blocks/'));
  expect(blockPuts).toHaveLength(6);
});

test('a finished copy answers again without storage, and a finished source without its blocks', async () => {
  await makeImage(sourcePath, small(), [{ offsetBytes: 0, data: seededBytes(mib, 1) }]);
  const staged = await stageContent(stageOf(store, sourcePath));
  const copied = await fetchContent(fetchOf(store, folder));
  expect(await stageContent(stageOf(store, sourcePath, { ledgerWatermarkBytes: 8 * mib }))).toEqual(staged);
  store.blobs.clear();
  expect(await fetchContent(fetchOf(store, folder, { ledgerWatermarkBytes: 8 * mib }))).toEqual(copied);
});

const image = (): Promise<void> => makeImage(sourcePath, small(), [{ offsetBytes: 0, data: seededBytes(6 * mib, 1) }]);

describe('what storage gives back is not what was put', () => {
  let blocks: string[];
  let segments: string[];
  beforeEach(async () => {
    await image();
    // Four segments at least.
    valueOf(await stageContent(stageOf(store, sourcePath, { pace: { ...fetchOf(store, folder).pace, segmentMs: 0 } })));
    blocks = store.names('blocks/');
    segments = store.names('manifests/');
  });

  const blob = (name: string | undefined): Buffer => store.blobs.get(name ?? '') ?? Buffer.alloc(0);
  const wrongs: [string, string, () => void][] = [
    ['a block with a bit changed', 'StagedContentDamaged', () => flip(blocks[2], 1000)],
    ['a block cut off', 'StagedContentDamaged', () => store.blobs.set(blocks[1] ?? '', blob(blocks[1]).subarray(1))],
    ['two blocks in the place of each other', 'StagedContentDamaged', () => swap(blocks[0], blocks[3])],
    ['a block that is longer', 'StagedContentDamaged', () => store.blobs.set(blocks[1] ?? '', Buffer.alloc(2 * mib))],
    ['a block that is not there', 'StagedContentMissing', () => store.blobs.delete(blocks[4] ?? '')],
    ['a segment with a bit changed', 'StagedContentDamaged', () => flip(segments[1], 40)],
    ['two segments in the place of each other', 'StagedContentDamaged', () => swap(segments[1], segments[2])],
    ['a segment that is not there', 'StagedContentMissing', () => store.blobs.delete(segments[1] ?? '')],
  ];
  function flip(name: string | undefined, at: number): void {
    const bytes = blob(name);
    bytes[at] = (bytes[at] ?? 0) ^ 4;
  }
  function swap(one = '', other = ''): void {
    const [first, second] = [blob(one), blob(other)];
    store.blobs.set(one, second).set(other, first);
  }

  test.each(wrongs)('%s: %s, and nothing wrong is in the copy', async (_, code, spoil) => {
    spoil();
    const request = fetchOf(store, folder);
    const outcome = await fetchContent(request);
    expect(outcome).toMatchObject({ ok: false, failure: { code, effect: 'applied' } });
    const [copy, source] = [await contentOf(request.path).catch(() => undefined), await contentOf(sourcePath)];
    if (copy === undefined) return;
    for (let at = 0; at < source.bytes.length; at += mib) {
      const piece = copy.bytes.subarray(at, at + mib);
      expect(piece.equals(Buffer.alloc(mib)) || piece.equals(source.bytes.subarray(at, at + mib))).toBe(true);
    }
  });

  test('a block or a segment that storage lost is staged again by the next attempt, from the ledger on', async () => {
    store.blobs.delete(blocks[4] ?? '');
    store.blobs.delete(segments.at(-1) ?? '');
    valueOf(await stageContent(stageOf(store, sourcePath)));
    expect(store.names('blocks/')).toEqual(blocks);
    valueOf(await fetchContent(fetchOf(store, folder)));
    await expectSameImage(join(folder, 'copy'), sourcePath);
  });

  test('a manifest of another batch key is refused by both ends', async () => {
    const keys = stagingKeysFrom(Buffer.alloc(32, 8));
    expect(failureCodeOf(await stageContent(stageOf(store, sourcePath, { keys })))).toBe('StagedContentDamaged');
    expect(failureCodeOf(await fetchContent(fetchOf(store, folder, { keys })))).toBe('StagedContentDamaged');
  });
});

test('a source that is another than was staged is refused, before anything more is put', async () => {
  await image();
  valueOf(await stageContent(stageOf(store, sourcePath)));
  await rm(sourcePath);
  await image();
  const before = store.names('');
  expect(failureCodeOf(await stageContent(stageOf(store, sourcePath)))).toBe('SourceChanged');
  expect(store.names('')).toEqual(before);
});

test('a destination whose source stages nothing more gives up, and says since when it waited', async () => {
  const pace = { ...fetchOf(store, folder).pace, sourceMsMax: 30 };
  expect(failureCodeOf(await fetchContent(fetchOf(store, folder, { pace })))).toBe('PeerUnreachable');
});

test('the limit of the hour holds at both ends', async () => {
  await makeImage(sourcePath, small(), [{ offsetBytes: 0, data: seededBytes(4 * mib, 1) }]);
  const windows = [{ from: '00:00', to: '00:00', bytesPerSecondMax: 8 * mib }];
  const limit = { bandwidthHours: bandwidthHours.parse({ timeZone: 'Asia/Kolkata', windows }) };
  let beganMs = Date.now();
  valueOf(await stageContent(stageOf(store, sourcePath, limit)));
  expect(Date.now() - beganMs).toBeGreaterThan(450);
  beganMs = Date.now();
  valueOf(await fetchContent(fetchOf(store, folder, limit)));
  expect(Date.now() - beganMs).toBeGreaterThan(450);
});
