import { Readable } from 'node:stream';
import { RestError } from '@azure/storage-blob';
import type { BlobContainer, BlobContainers } from '../../../activities/storage/documents';
import type { Draw } from './chance';
import type { Loop } from './loop';
import { currentProgram, never } from './program';

/** What becomes of one request to storage. `lost-reply` is done and then answered with a failure. */
export type BlobFate = 'done' | 'busy' | 'busy-after' | 'changed-after';

export type BlobsOptions = {
  readonly loop: Loop;
  readonly draw: Draw;
  fateOf: (verb: 'read' | 'write', path: string) => BlobFate;
};

type Blob = { readonly text: string; readonly etag: string };

const latencyMsMax = 20;

/** Blob Storage as the app's documents use it: conditions by ETag, refusals as the SDK's errors. */
export class Blobs implements BlobContainers {
  readonly #blobs = new Map<string, Blob>();
  #etags = 0;

  constructor(readonly options: BlobsOptions) {}

  read(path: string): string | undefined {
    return this.#blobs.get(path)?.text;
  }

  put(path: string, text: string): void {
    this.#blobs.set(path, { text, etag: `"${++this.#etags}"` });
  }

  getContainerClient(): BlobContainer {
    return {
      createIfNotExists: () => this.#served('read', '', () => undefined),
      getBlobClient: (path) => ({
        download: () =>
          this.#served('read', path, () => {
            const blob = this.#blobs.get(path);
            if (blob === undefined) throw refusal(404);
            return { readableStreamBody: Readable.from([Buffer.from(blob.text)]), etag: blob.etag };
          }),
        deleteIfExists: (options) =>
          this.#served('write', path, () => {
            const there = this.#blobs.get(path);
            if (options !== undefined && there !== undefined && there.etag !== options.conditions.ifMatch)
              throw refusal(412);
            return this.#blobs.delete(path);
          }),
      }),
      getBlockBlobClient: (path) => ({
        upload: (text, _lengthBytes, { conditions }) =>
          this.#served('write', path, () => {
            const there = this.#blobs.get(path);
            if (conditions.ifNoneMatch === '*' && there !== undefined) throw refusal(409);
            if (conditions.ifMatch !== undefined && there?.etag !== conditions.ifMatch) throw refusal(412);
            this.put(path, text);
            return {};
          }),
      }),
      listBlobsFlat: ({ prefix }) => this.#list(prefix),
    };
  }

  async *#list(prefix: string): AsyncGenerator<{ readonly name: string }> {
    await this.#served('read', prefix, () => undefined);
    for (const name of [...this.#blobs.keys()].filter((path) => path.startsWith(prefix)).sort()) yield { name };
  }

  async #served<T>(verb: 'read' | 'write', path: string, work: () => T): Promise<T> {
    const { loop, draw, fateOf } = this.options;
    if (!currentProgram().isAlive) return never();
    await loop.pass(draw.fraction() * latencyMsMax);
    const fate = fateOf(verb, path);
    if (fate === 'busy') throw refusal(503);
    const result = work();
    if (fate === 'busy-after') throw refusal(503);
    if (fate === 'changed-after' && verb === 'write') throw refusal(412);
    return result;
  }
}

const refusal = (statusCode: number): RestError => new RestError(`status ${statusCode}`, { statusCode });
