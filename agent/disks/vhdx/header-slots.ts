import type { DiskFile } from '../file';
import { encodeHeader, type CurrentHeader, type Header } from './header';
import { headerOffsets } from './layout';

/**
 * The two headers of a file that is written. A change goes into the slot that does not count, becomes durable, and counts from then on;
 * then the other slot follows, so that damage to one of them does not bring an older header back. Not to be called twice at a time.
 */
export class HeaderSlots {
  readonly #file: DiskFile;
  #current: CurrentHeader;

  constructor(file: DiskFile, current: CurrentHeader) {
    this.#file = file;
    this.#current = current;
  }

  get current(): CurrentHeader {
    return this.#current;
  }

  get header(): Header {
    return this.#current.header;
  }

  /** Durable when it returns. */
  async change(change: Partial<Omit<Header, 'sequence'>>): Promise<void> {
    await this.#writeNext(change);
    await this.#writeNext({});
  }

  async #writeNext(change: Partial<Header>): Promise<void> {
    const { header, slot } = this.#current;
    const next = { ...header, ...change, sequence: header.sequence + 1n };
    const otherSlot = slot === 0 ? 1 : 0;
    await this.#file.write(encodeHeader(next), headerOffsets[otherSlot]);
    await this.#file.sync();
    this.#current = { header: next, slot: otherSlot };
  }
}
