import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OperationOutput } from '../../../../contracts/operations';
import { valueOf } from '../../failures';
import { pullFile, type PullFileRequest } from '../pull';
import type { ByteRoute } from '../server';
import { makeHosts, mib, pullOf, startSource, type Hosts } from './hosts';
import { contentOf, makeImage, shapeOf } from './images';
import { seededBytes } from './random';

export const sizeBytes = 12 * mib;
export const content = seededBytes(sizeBytes, 5);
export const shape = shapeOf({ virtualSizeBytes: sizeBytes });

/** The content with one byte changed at each offset. */
export function changedAt(offsets: readonly number[]): Buffer {
  const changed = Buffer.from(content);
  for (const at of offsets) changed.fill(changed.readUInt8(at) ^ 0xff, at, at + 1);
  return changed;
}

/** A source with a disk full of data, and a place at the destination for a seed of it. */
export class SeedSite {
  readonly hosts: Hosts;
  /** Of the disk that is served. */
  sourcePath: string;
  seedPath: string;
  route: ByteRoute;

  private constructor(hosts: Hosts, sourcePath: string, route: ByteRoute) {
    this.hosts = hosts;
    this.sourcePath = sourcePath;
    this.seedPath = join(hosts.folder, 'seed.vhdx');
    this.route = route;
  }

  static async make(): Promise<SeedSite> {
    const hosts = await makeHosts();
    const sourcePath = join(hosts.folder, 'source.vhdx');
    await makeImage(sourcePath, shape, [{ offsetBytes: 0, data: content }]);
    return new SeedSite(hosts, sourcePath, await startSource(hosts, sourcePath));
  }

  pathOf(name: string): string {
    return join(this.hosts.folder, name);
  }

  /** A seed of this content. */
  async seedOf(data: Buffer, changes: Parameters<typeof shapeOf>[0] = {}): Promise<void> {
    await makeImage(this.seedPath, shapeOf({ virtualSizeBytes: data.length, ...changes }), [{ offsetBytes: 0, data }]);
  }

  /** Serves another disk from now on. */
  async serve(path: string): Promise<void> {
    await this.route.close();
    this.sourcePath = path;
    this.route = await startSource(this.hosts, path);
  }

  requestWith(changes: Partial<PullFileRequest> = {}): PullFileRequest {
    const seed = { path: this.seedPath, roots: [this.hosts.folder] };
    return pullOf(this.hosts, this.route.port, { seed, ...changes });
  }

  async pull(changes: Partial<PullFileRequest> = {}): Promise<OperationOutput<'pull'>> {
    return valueOf(await pullFile(this.requestWith(changes)));
  }

  async expectCopied(output: OperationOutput<'pull'>): Promise<void> {
    const [source, copy] = [await contentOf(this.sourcePath), await contentOf(output.path)];
    expect(copy.bytes.equals(source.bytes)).toBe(true);
    expect(copy.shape).toEqual(source.shape);
  }

  seedFile(): Promise<Buffer> {
    return readFile(this.seedPath);
  }

  async remove(): Promise<void> {
    await this.route.close();
    await this.hosts.remove();
  }
}
