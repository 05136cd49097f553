import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runId } from '../../../contracts/ids';
import { systemClock } from '../../clock';
import { valueOf } from '../failures';
import { failureCodeOf, mib } from '../route/testing/hosts';
import { makeImage, shapeOf, type Piece } from '../route/testing/images';
import { seededBytes } from '../route/testing/random';
import { fetchContent } from './fetch';
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

test('a block that is in several disks of a batch is put once, and each disk is whole', async () => {
  const base: Piece = { offsetBytes: 0, data: seededBytes(3 * mib, 1) };
  for (let disk = 0; disk < 4; disk += 1) {
    const path = join(folder, `disk-${disk}.vhdx`);
    // Its own sector stands inside of one of the mebibytes that all share.
    const own: Piece = { offsetBytes: 2 * mib + 512, data: seededBytes(512, 100 + disk) };
    await makeImage(path, small(), [base, own]);
    const of = { runId: runId.parse(`move-${disk}-r1`) };
    const { putBytes } = valueOf(await stageContent(stageOf(store, path, of)));
    expect(putBytes).toBe(disk === 0 ? 3 * mib : mib);
    const copy = join(folder, `copy-${disk}`);
    valueOf(await fetchContent(fetchOf(store, folder, { ...of, path: copy, journalPath: `${copy}.journal` })));
    await expectSameImage(copy, path);
  }
  expect(store.names('blocks/')).toHaveLength(6);
});

test('a source that stops after any of its calls goes on from what storage has, and puts no block twice', async () => {
  await makeImage(sourcePath, shapeOf(), [
    { offsetBytes: 0, data: seededBytes(2 * mib, 1) },
    { offsetBytes: 6 * mib, data: seededBytes(mib, 2) },
  ]);
  const whole = valueOf(await stageContent(stageOf(new MemoryStore(), sourcePath)));
  for (let stopAt = 1; ; stopAt += 1) {
    const fresh = new MemoryStore();
    const canceled = new AbortController();
    let calls = 0;
    fresh.trouble = () => {
      calls += 1;
      if (calls <= stopAt) return undefined;
      canceled.abort();
      return 'away';
    };
    const stopped = await stageContent(stageOf(fresh, sourcePath, { signal: canceled.signal }));
    fresh.trouble = () => undefined;
    expect(valueOf(await stageContent(stageOf(fresh, sourcePath)))).toMatchObject({ digest: whole.digest });
    expect(fresh.names('blocks/')).toHaveLength(3);
    expect(fresh.putBytes - manifestBytes(fresh)).toBe(3 * (mib + 16));
    if (stopped.ok) return;
    expect(failureCodeOf(stopped)).toBe('CanceledByOperator');
  }
});

const manifestBytes = (of: MemoryStore): number =>
  of.names('manifests/').reduce((sum, name) => sum + (of.blobs.get(name)?.length ?? 0), 0);

test('a destination that stops after any of its calls goes on from its watermark, with the same digest', async () => {
  await makeImage(sourcePath, small(), [{ offsetBytes: 0, data: seededBytes(3 * mib, 1) }]);
  const staged = valueOf(await stageContent(stageOf(store, sourcePath)));
  for (let stopAt = 1; ; stopAt += 1) {
    const request = fetchOf(store, await mkdtemp(join(folder, 'copy-')));
    const canceled = new AbortController();
    let calls = 0;
    store.trouble = () => {
      calls += 1;
      if (calls <= stopAt) return undefined;
      canceled.abort();
      return 'away';
    };
    const stopped = await fetchContent({ ...request, signal: canceled.signal });
    store.trouble = () => undefined;
    const output = valueOf(await fetchContent(request));
    expect(output).toMatchObject({ digest: staged.digest, resentBytes: 0 });
    await expectSameImage(request.path, sourcePath);
    if (stopped.ok) return;
  }
});

test('what is on its way never is more than a few blocks, however large the disk', async () => {
  await makeImage(sourcePath, shapeOf(), [{ offsetBytes: 0, data: seededBytes(24 * mib, 1) }]);
  let [now, most] = [0, 0];
  const counted = new MemoryStore();
  const watched = {
    has: (name: string) => counted.has(name),
    put: async (name: string, bytes: Buffer) => {
      most = Math.max(most, ++now);
      await systemClock.sleep(1);
      now -= 1;
      return counted.put(name, bytes);
    },
    get: async (name: string, bytesMax: number) => {
      most = Math.max(most, ++now);
      await systemClock.sleep(1);
      now -= 1;
      return counted.get(name, bytesMax);
    },
  };
  valueOf(await stageContent(stageOf(watched, sourcePath)));
  valueOf(await fetchContent(fetchOf(watched, folder)));
  // Eight blocks and a segment.
  expect(most).toBeGreaterThan(2);
  expect(most).toBeLessThanOrEqual(9);
});
