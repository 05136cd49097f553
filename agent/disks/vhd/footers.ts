import type { DiskFile } from '../file';
import { changedFooter, type Footer, type FooterChange } from './footer';
import { footerBytes } from './layout';

/** The footer of a file that is written, and its copy at the start where the disk is not fixed. Not to be called twice at a time. */
export class Footers {
  readonly #file: DiskFile;
  #footer: Footer;
  #atBytes: number;

  /** `atBytes`: where the footer at the end stands. */
  constructor(file: DiskFile, footer: Footer, atBytes: number) {
    this.#file = file;
    this.#footer = footer;
    this.#atBytes = atBytes;
  }

  get footer(): Footer {
    return this.#footer;
  }

  get atBytes(): number {
    return this.#atBytes;
  }

  /** The copy first: until the footer at the end follows, that one counts. Durable when it returns. */
  async change(change: FooterChange): Promise<void> {
    const next = changedFooter(this.#footer, change);
    if (next.kind !== 'fixed') {
      await this.#file.write(next.raw, 0);
      await this.#file.sync();
    }
    await this.#file.write(next.raw, this.#atBytes);
    await this.#file.sync();
    this.#footer = next;
  }

  /** A footer further on in the file, which grows; durable when it returns. The old one stays where it is. */
  async moveUp(atBytes: number): Promise<void> {
    await this.#file.write(this.#footer.raw, atBytes);
    await this.#file.sync();
    this.#atBytes = atBytes;
  }

  /** A footer further down, from which on nothing is used; then the file ends there. Durable when it returns. */
  async moveDown(atBytes: number): Promise<void> {
    await this.#file.write(this.#footer.raw, atBytes);
    await this.#file.sync();
    await this.#file.resize(atBytes + footerBytes);
    await this.#file.sync();
    this.#atBytes = atBytes;
  }
}
