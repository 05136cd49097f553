import { Change } from './change';
import { freeAll, type Sealer } from './sealing';

/** Where a source's records go out: the connection of the pull, or a further stream of it. */
export type Outlet = {
  /** `taken` is called when the system has taken the record, or when the connection ended instead. */
  readonly send: (pieces: readonly Uint8Array[], taken: (error?: Error | null) => void) => void;
};

type Way = { readonly outlet: Outlet; untakenRecords: number };

/** Content that a source sends, in sealed records, each over the stream that has the least to do. */
export class OutgoingContent {
  readonly #sealer: Sealer;
  readonly #first: Way;
  /** The one that was used last is the last of them. */
  #ways: readonly Way[];
  readonly #change = new Change();

  constructor(sealer: Sealer, first: Outlet) {
    this.#sealer = sealer;
    this.#first = { outlet: first, untakenRecords: 0 };
    this.#ways = [this.#first];
  }

  get streams(): number {
    return this.#ways.length;
  }

  /** One more stream, which is used from now on. Answers how to use it no more. */
  add(outlet: Outlet): () => void {
    const added: Way = { outlet, untakenRecords: 0 };
    this.#ways = [added, ...this.#ways];
    this.#change.tell();
    return () => {
      this.#ways = this.#ways.filter((way) => way !== added);
      this.#change.tell();
    };
  }

  /**
   * Seals and sends. What is given may be overwritten when it returns; resolves when the system has taken it, also when the connection ended
   * instead. The `last` of all goes over the connection of the pull: whoever has it knows what did not come over the others.
   */
  send(content: readonly Uint8Array[], which: 'any' | 'last' = 'any'): Promise<void> {
    const way = which === 'last' ? this.#first : this.#freest();
    this.#ways = [...this.#ways.filter((other) => other !== way), way];
    way.untakenRecords += 1;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const pieces = this.#sealer.seal(...content);
    way.outlet.send(pieces, (error) => {
      // Where it ended instead, the system may still look at them.
      if (error === undefined || error === null) freeAll(pieces);
      way.untakenRecords -= 1;
      this.#change.tell();
      resolve(undefined);
    });
    return promise;
  }

  /** Resolves when the system has taken everything that was given to some stream, or when `signal` is aborted. One caller at a time. */
  async free(signal: AbortSignal): Promise<void> {
    await this.#change.until(() => this.#freest().untakenRecords === 0, signal);
  }

  /** Of several that have as little to do, the one that was used longest ago. */
  #freest(): Way {
    return this.#ways.reduce((best, way) => (way.untakenRecords < best.untakenRecords ? way : best));
  }
}
