import { randomBytes, randomUUID } from 'node:crypto';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { valueOf } from '../../agent/disks/failures';
import { imageSubject } from '../../agent/disks/route/testing/hosts';
import { openVhdx } from '../../agent/disks/vhdx';
import { startAzurite } from '../../test/azurite';
import { newContainer, type StagingContainer } from '../../test/staged/containers';
import { assertSameDisk, makeImage, mib } from '../bytes/images';
import { pullEnd, startRouteProcess } from '../route-processes';

export type StagedDisk = { readonly stageSeconds: number; readonly fetchSeconds: number; readonly putBytes: number };
export type StagedBench = {
  readonly diskBytes: number;
  readonly ownBytes: number;
  readonly disks: readonly StagedDisk[];
  /** Everything in the container: blocks with their seals, and manifests. */
  readonly storedBytes: number;
  readonly peakRssBytes: { readonly source: number; readonly destination: number };
};

const diskCount = 10;
/** Of each disk, what no other has: 1 %. */
const oneOf = 100;
const accessMs = 3_600_000;

type Ended = { readonly seconds: number; readonly value: Record<string, unknown>; readonly peakRssBytes: number };

/** Ten disks with the same base image and 1 % of their own, staged one after the other into one container of Azurite, and copied from there. */
export async function benchStaged(
  folder: string,
  diskBytes: number,
  say: (line: string) => void,
): Promise<StagedBench> {
  const base = join(folder, 'base.vhdx');
  await makeImage(base, { kind: 'dynamic', virtualSizeBytes: diskBytes, oneOf: 1 });
  const azurite = await startAzurite();
  try {
    const container = await newContainer(azurite.connectionString, 'bench');
    const batch = new Batch(folder, container);
    const disks: StagedDisk[] = [];
    for (let disk = 0; disk < diskCount; disk += 1) {
      say(`disk ${disk + 1} of ${diskCount} that share a base image`);
      disks.push(await batch.carry(base, disk, ownPart(disk, diskBytes)));
    }
    let storedBytes = 0;
    for await (const { properties } of container.client.listBlobsFlat()) storedBytes += properties.contentLength ?? 0;
    const { peakRssBytes } = batch;
    return { diskBytes, ownBytes: ownPart(0, diskBytes).lengthBytes, disks, storedBytes, peakRssBytes };
  } finally {
    await azurite.stop();
    await rm(base, { force: true });
  }
}

/** Whole mebibytes, at another place in each disk. */
function ownPart(disk: number, diskBytes: number): { readonly offsetBytes: number; readonly lengthBytes: number } {
  const lengthBytes = Math.max(mib, Math.floor(diskBytes / oneOf / mib) * mib);
  return { offsetBytes: Math.floor((disk * diskBytes) / diskCount / mib) * mib, lengthBytes };
}

class Batch {
  readonly #folder: string;
  readonly #container: StagingContainer;
  readonly #batchKeyHex = randomBytes(32).toString('hex');
  peakRssBytes = { source: 0, destination: 0 };

  constructor(folder: string, container: StagingContainer) {
    this.#folder = folder;
    this.#container = container;
  }

  async carry(base: string, disk: number, own: ReturnType<typeof ownPart>): Promise<StagedDisk> {
    const [path, copy] = [join(this.#folder, `disk-${disk}.vhdx`), join(this.#folder, `copy-${disk}.vhdx`)];
    await copyFile(base, path);
    const image = valueOf(
      await openVhdx(path, { access: 'write', tables: 'ordered', dataWriteId: 'kept', newGuid: randomUUID }),
    );
    for (let at = 0; at < own.lengthBytes; at += mib) await image.write(randomBytes(mib), own.offsetBytes + at);
    await image.close();
    const staged = await this.#end('source', disk, path, copy);
    const fetched = await this.#end('destination', disk, path, copy);
    if (staged.value['digest'] !== fetched.value['digest']) throw new Error('the ends tell different digests');
    await assertSameDisk(path, copy);
    for (const file of [path, copy, `${copy}.journal`]) await rm(file, { force: true });
    const putBytes = z.int().parse(staged.value['putBytes']);
    return { stageSeconds: staged.seconds, fetchSeconds: fetched.seconds, putBytes };
  }

  async #end(end: 'source' | 'destination', disk: number, image: string, copy: string): Promise<Ended> {
    const beganMs = performance.now();
    const agent = startRouteProcess('staged-end', {
      end,
      runId: `disk-${disk}-r1`,
      name: 'disk',
      access: this.#container.access(end === 'source' ? 'rc' : 'r', accessMs),
      batchKeyHex: this.#batchKeyHex,
      path: end === 'source' ? image : copy,
      journalPath: `${copy}.journal`,
      subject: imageSubject,
      bandwidthBytesPerSecondMax: null,
      ledgerWatermarkBytes: null,
    });
    const { outcome, peakRssBytes } = await agent.next(pullEnd);
    const seconds = (performance.now() - beganMs) / 1000;
    await agent.stop();
    if (!outcome.ok) throw new Error(`the ${end} failed: ${JSON.stringify(outcome)}`);
    this.peakRssBytes = { ...this.peakRssBytes, [end]: Math.max(this.peakRssBytes[end], peakRssBytes) };
    return { seconds, value: z.record(z.string(), z.unknown()).parse(outcome['value']), peakRssBytes };
  }
}
