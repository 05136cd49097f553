import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { valueOf } from '../../failures';
import type { ImageShape } from '../../image';
import { MemoryFiles } from '../../testing/memory-files';
import { SeededRandom } from '../../testing/random';
import { soak } from '../../testing/soak';
import { changeDataWriteIdAs, createImage, openImageAs, type ImageFormat } from '../../open-image';
import { copiedAsVhdx, type RouteImages } from '../route-images';
import { openJournal } from '../journal';
import { pullFile } from '../pull';
import type { ByteRoute } from '../server';
import { makeHosts, mib, pullOf, startSource, watermarkIn, type Hosts } from './hosts';
import { makeImage } from './images';
import { seededBytes } from './random';

/** Images on a file system that forgets what was not flushed. An empty file stands in its place on the real one, where its name is looked for. */
function memoryFormat(files: MemoryFiles): RouteImages {
  const options = { tables: 'ordered', dataWriteId: 'kept', newGuid: randomUUID, nowMs: Date.now, files } as const;
  let generation = 0;
  const nameOf = (path: string): string => `${path}#${generation}`;
  return {
    copyOf: (source) => source,
    openForReading: () => Promise.reject(new Error('nobody is served from memory')),
    create: async (format, path, shape) => {
      generation += 1;
      await writeFile(path, '');
      return createImage(format, nameOf(path), shape, options);
    },
    openForWriting: (format, path) => openImageAs(format, nameOf(path), { ...options, access: 'write' }),
    nameContent: (format, path, dataWriteId) => changeDataWriteIdAs(format, nameOf(path), dataWriteId, options),
  };
}

const content = seededBytes(12 * mib, 50);
export const virtualSizeBytes = 12 * mib;
/** What is copied, and among how many operations one loses the power. */
export type PowerLossCase = {
  readonly format: ImageFormat;
  /** By default that of the source. */
  readonly copiedAs?: 'vhdx';
  readonly shape: ImageShape;
  readonly operations: number;
};

/** A copy whose destination loses its power again and again. */
export function powerLossTest({ format, copiedAs, shape, operations }: PowerLossCase): void {
  let hosts: Hosts;
  let route: ByteRoute;
  beforeAll(async () => {
    hosts = await makeHosts();
    const sourcePath = join(hosts.folder, `source.${format}`);
    await makeImage(sourcePath, shape, [{ offsetBytes: 0, data: content }]);
    route = await startSource(hosts, sourcePath, { windowBytes: 2 * mib });
  });
  afterAll(async () => {
    await route.close();
    await hosts.remove();
  });

  async function expectThere(images: RouteImages, path: string, lengthBytes: number): Promise<void> {
    const image = valueOf(await images.openForWriting(copiedAs ?? format, path));
    const bytes = Buffer.alloc(lengthBytes);
    await image.read(bytes, 0);
    await image.close();
    expect(bytes.equals(content.subarray(0, lengthBytes))).toBe(true);
  }

  test('after a power loss at any operation, what the journal says is durable is there, and the pull goes on from it', async () => {
    const reached = new Set<number>();
    for (let seed = 1; seed <= 5 * soak; seed++) {
      const random = new SeededRandom(seed);
      const files = new MemoryFiles();
      const inMemory = memoryFormat(files);
      const images = copiedAs === undefined ? inMemory : copiedAsVhdx(inMemory);
      const request = pullOf(hosts, route.port, {
        images,
        path: join(hosts.folder, `copy-${seed}`),
        journalPath: join(hosts.folder, `journal-${seed}`),
      });
      let ledgerWatermarkBytes = 0;
      for (let losses = 0; losses < 3; losses++) {
        files.powerLossAt = files.operations + 1 + random.below(operations);
        await pullFile({ ...request, ledgerWatermarkBytes }).catch(() => undefined);
        files.losePower(random, random.pick([0, 0.5, 1]));
        ledgerWatermarkBytes = await watermarkIn(request.journalPath);
        reached.add(ledgerWatermarkBytes);
        if (ledgerWatermarkBytes > 0) await expectThere(images, request.path, ledgerWatermarkBytes);
      }
      const output = valueOf(await pullFile({ ...request, ledgerWatermarkBytes }));
      await expectThere(images, request.path, content.length);
      expect(output.dataBytes).toBe(content.length);
      expect((await stat(request.journalPath)).size).toBeGreaterThan(0);
      const { journal } = valueOf(await openJournal(request.journalPath));
      await journal.close();
      expect(journal.content.output).toEqual(output);
    }
    expect(reached.size).toBeGreaterThan(3);
  });
}
