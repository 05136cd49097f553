import { RestError } from '@azure/storage-blob';
import type { z } from 'zod';
import { describeThrown, failed, failureOf, succeeded, type Outcome } from '../../contracts/failure';

export type Stored<T> = { readonly value: T; readonly etag: string };

/** What the app uses of a container client of `@azure/storage-blob`, failures as its `RestError`; a simulation supplies its own. */
export type BlobContainer = {
  createIfNotExists(): Promise<unknown>;
  getBlobClient(path: string): {
    download(): Promise<{ readonly readableStreamBody?: NodeJS.ReadableStream; readonly etag?: string }>;
    deleteIfExists(options?: { readonly conditions: { readonly ifMatch: string } }): Promise<unknown>;
  };
  getBlockBlobClient(path: string): {
    upload(text: string, lengthBytes: number, options: UploadOptions): Promise<unknown>;
  };
  listBlobsFlat(options: { readonly prefix: string }): AsyncIterable<{ readonly name: string }>;
};
export type BlobContainers = { getContainerClient(name: string): BlobContainer };
type Conditions = { ifNoneMatch?: string; ifMatch?: string };
type UploadOptions = { conditions: Conditions; blobHTTPHeaders: { blobContentType: string } };

/**
 * JSON documents in one container of Blob Storage. Every write says what it expects to find (nothing, or the ETag that was read), so
 * that two writers cannot overwrite one another.
 */
export class Documents {
  private readonly container: BlobContainer;
  private created: Promise<unknown> | undefined;

  constructor(service: BlobContainers, containerName = 'hyperferry') {
    this.container = service.getContainerClient(containerName);
  }

  /** The document, or undefined where there is none. Failures: StorageUnavailable, DocumentDamaged when it is not of its schema. */
  async read<T>(path: string, schema: z.ZodType<T>): Promise<Outcome<Stored<T> | undefined>> {
    return this.attempt(path, async () => {
      const blob = this.container.getBlobClient(path);
      const answer = await blob.download().catch(whenStatus(404));
      if (answer === undefined) return succeeded(undefined);
      const text = await textOf(answer.readableStreamBody);
      const parsed = schema.safeParse(parseJson(text));
      if (parsed.success) return succeeded({ value: parsed.data, etag: answer.etag ?? '' });
      return failed(
        failureOf('DocumentDamaged', {
          message: `${path} is not of its schema: ${parsed.error.message}`,
        }),
      );
    });
  }

  /** Writes a document that must not exist yet. */
  async create(path: string, value: unknown): Promise<Outcome<'created' | 'exists'>> {
    return this.attempt(path, async () => {
      const written = await this.upload(path, value, { ifNoneMatch: '*' }).catch(whenStatus(409, 412));
      return succeeded(written === undefined ? 'exists' : 'created');
    });
  }

  /** Writes a document that must still be the one with this ETag. */
  async replace(path: string, value: unknown, etag: string): Promise<Outcome<'replaced' | 'changed'>> {
    return this.attempt(path, async () => {
      const written = await this.upload(path, value, { ifMatch: etag }).catch(whenStatus(404, 412));
      return succeeded(written === undefined ? 'changed' : 'replaced');
    });
  }

  /** Removes a document; one that is not there is removed already. */
  async remove(path: string): Promise<Outcome<void>> {
    return this.attempt(path, async () => {
      await this.container.getBlobClient(path).deleteIfExists();
      return succeeded(undefined);
    });
  }

  /** Removes a document that must still be the one with this ETag, or be gone. */
  async removeIfSame(path: string, etag: string): Promise<Outcome<'removed' | 'changed'>> {
    return this.attempt(path, async () => {
      const conditions = { ifMatch: etag };
      const removed = await this.container.getBlobClient(path).deleteIfExists({ conditions }).catch(whenStatus(412));
      return succeeded(removed === undefined ? 'changed' : 'removed');
    });
  }

  /** Paths below a prefix, in order of name. */
  async list(prefix: string): Promise<Outcome<string[]>> {
    return this.attempt(prefix, async () => {
      const paths: string[] = [];
      for await (const blob of this.container.listBlobsFlat({ prefix })) paths.push(blob.name);
      return succeeded(paths);
    });
  }

  private upload(path: string, value: unknown, conditions: Conditions) {
    const text = JSON.stringify(value, null, 1);
    return this.container.getBlockBlobClient(path).upload(text, Buffer.byteLength(text), {
      conditions,
      blobHTTPHeaders: { blobContentType: 'application/json' },
    });
  }

  private async attempt<T>(subject: string, work: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
    try {
      this.created ??= this.container.createIfNotExists();
      await this.created;
      return await work();
    } catch (thrown) {
      this.created = undefined;
      return failed(
        failureOf('StorageUnavailable', { message: `Blob Storage, ${subject}: ${describeThrown(thrown)}` }),
      );
    }
  }
}

const whenStatus =
  (...statuses: number[]) =>
  (thrown: unknown): undefined => {
    if (thrown instanceof RestError && thrown.statusCode !== undefined && statuses.includes(thrown.statusCode))
      return undefined;
    throw thrown;
  };

async function textOf(stream: NodeJS.ReadableStream | undefined): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
