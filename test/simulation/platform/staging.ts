import type { StagingContainers } from '../../../activities/staging/containers';
import { StoreError, type BlockStore } from '../../../agent/disks/staged/block-store';
import type { StorageLook } from '../../../agent/disks/staged/look-at-storage';
import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import { stagingAccessMs } from '../../../contracts/limits';
import type { StagingAccess } from '../../../contracts/operations';
import type { BlobFate } from './blobs';
import type { Draw } from './chance';
import type { Loop } from './loop';
import { currentProgram, never } from './program';

export type StagingOptions = {
  readonly loop: Loop;
  readonly draw: Draw;
  /** Of each machine's way to storage. */
  readonly bytesPerSecond: number;
  readonly fateOf: (verb: 'read' | 'write', path: string) => BlobFate;
  readonly isCutOff: (machine: string) => boolean;
};

const latencyMsMax = 30;
const origin = 'https://storage.invalid';
const urlOf = (container: string): string => `${origin}/${container}`;

/** Containers for staged blocks in Blob Storage: each blob is written once, access ends, and storage may be busy or out of reach. */
export class Staging {
  readonly #containers = new Map<string, Map<string, Buffer>>();

  constructor(readonly options: StagingOptions) {}

  /** Names of the containers that are there. */
  get names(): readonly string[] {
    return [...this.#containers.keys()];
  }

  /** As the app has it. */
  readonly containers: StagingContainers = {
    create: (name) =>
      this.#managed(name, () => {
        if (this.#containers.has(name)) return 'there';
        this.#containers.set(name, new Map());
        return 'created';
      }),
    remove: (name) => this.#managed(name, () => void this.#containers.delete(name)),
    accessTo: async (name, side, now) =>
      succeeded({ containerUrl: urlOf(name), sas: side, expiresAtMs: now.getTime() + stagingAccessMs }),
  };

  /** As a machine has it, by an access that the app gave. */
  storeOf(machine: string, access: StagingAccess): BlockStore {
    const served = <T>(verb: 'read' | 'write', name: string, work: (blobs: Map<string, Buffer>) => T): Promise<T> =>
      this.#served({ machine, access, verb, name }, work);
    return {
      has: (name) => served('read', name, (blobs) => blobs.has(name)),
      put: async (name, bytes) => {
        await this.#carry(bytes.length);
        return served('write', name, (blobs) => {
          if (blobs.has(name)) return 'there';
          blobs.set(name, Buffer.from(bytes));
          return 'put';
        });
      },
      get: async (name, bytesMax) => {
        const found = await served('read', name, (blobs) => blobs.get(name));
        if (found === undefined) return undefined;
        if (found.length > bytesMax) throw new StoreError('too-long', name);
        await this.#carry(found.length);
        return Buffer.from(found);
      },
    };
  }

  readonly look: StorageLook = async ({ containerUrl }) => ({
    endpoint: new URL(containerUrl).origin,
    meets: 'admitted',
    told: '404',
    aheadMs: 0,
  });

  async #carry(bytes: number): Promise<void> {
    await this.options.loop.pass((1000 * bytes) / this.options.bytesPerSecond);
  }

  async #served<T>(
    asked: {
      readonly machine: string;
      readonly access: StagingAccess;
      readonly verb: 'read' | 'write';
      readonly name: string;
    },
    work: (blobs: Map<string, Buffer>) => T,
  ): Promise<T> {
    const { machine, access, verb, name } = asked;
    const fate = await this.#arrives(verb, name);
    if (this.options.isCutOff(machine)) throw new StoreError('away', 'no way to storage');
    if (fate === 'busy') throw new StoreError('away', 'status 503');
    if (this.options.loop.nowMs > access.expiresAtMs) throw new StoreError('no-access', 'status 403');
    if (verb === 'write' && access.sas !== 'source') throw new StoreError('no-access', 'status 403');
    const blobs = this.#containers.get(access.containerUrl.slice(origin.length + 1));
    if (blobs === undefined) throw new StoreError('gone', 'status 404');
    const result = work(blobs);
    if (fate === 'busy-after') throw new StoreError('away', 'status 503, after it was done');
    return result;
  }

  async #managed<T>(name: string, work: () => T): Promise<Outcome<T>> {
    const fate = await this.#arrives('write', name);
    const busy = failed(failureOf('StorageUnavailable', { message: `container ${name}: status 503` }));
    if (fate === 'busy') return busy;
    const result = work();
    return fate === 'busy-after' ? busy : succeeded(result);
  }

  /** What becomes of a request, once it has got there. */
  async #arrives(verb: 'read' | 'write', name: string): Promise<BlobFate> {
    const { loop, draw, fateOf } = this.options;
    if (!currentProgram().isAlive) return never();
    await loop.pass(draw.fraction() * latencyMsMax);
    return fateOf(verb, `staging/${name}`);
  }
}
