import { failed, succeeded, type Outcome } from '../../../../contracts/failure';
import type { BufferPool } from '../buffer-pool';
import type { WriterSeed } from '../content-writer';
import { Assembler } from './assembler';
import { openSeed, type Seed, type SeedPlace } from './seed';
import { SeedTeller } from './seed-teller';
import type { ToldDigests } from './told-digests';

/** The seed of one pull, as long as it is of use. Without it everything is copied, so what is wrong with it is a problem and no failure. */
export class SeedUse {
  #seed: Seed | undefined;
  #problem: string | null = null;

  /** Opens it, where there is one. `PathOutsideRoots` is the one failure: whoever asks for such a path is not served. */
  async open(place: SeedPlace | undefined, copyPath: string): Promise<Outcome<void>> {
    if (place === undefined) return succeeded(undefined);
    const opened = await openSeed(place, copyPath);
    if (opened.ok) this.#seed = opened.value;
    else if (opened.failure.code === 'PathOutsideRoots') return failed({ ...opened.failure, effect: 'applied' });
    else this.#problem = opened.failure.message;
    return succeeded(undefined);
  }

  /** Why it is of no use, or not any more; null where it is, or where there is none. */
  get problem(): string | null {
    return this.#problem;
  }

  forWriter(pool: BufferPool, onFailed: (reason: string) => void): WriterSeed | undefined {
    return this.#seed && { assembler: new Assembler(this.#seed, pool), onFailed };
  }

  /** Of one connection, about content of this length. */
  teller(sizeBytes: number, say: (told: ToldDigests) => Promise<void>): SeedTeller | undefined {
    if (this.#seed === undefined) return undefined;
    const onUnreadable = (thrown: unknown): void => {
      this.#problem ??= thrown instanceof Error ? thrown.message : String(thrown);
    };
    return new SeedTeller({ seed: this.#seed, sizeBytes, say, onUnreadable });
  }

  /** Gives it up. Nobody reads it any more. */
  async drop(reason: string): Promise<void> {
    this.#problem = reason;
    await this.close();
  }

  async close(): Promise<void> {
    const seed = this.#seed;
    this.#seed = undefined;
    await seed?.close();
  }
}
