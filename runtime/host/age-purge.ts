import { describeThrown } from '../../contracts/failure';
import type { Clock } from '../engine/clock';
import type { Committer } from '../engine/commit';

export type AgePurgeParts = {
  readonly committer: Committer;
  readonly clock: Clock;
  /** Instances that ended longer ago are forgotten. */
  readonly endedMsMax: number;
  readonly info: (line: string) => void;
  readonly error: (line: string) => void;
};

/** One transaction forgets so many at most, so that nobody else waits long for the store. */
const pageSize = 50;
/** One pass forgets so many at most; what is left waits for the next, which comes sooner then. */
const passMax = 1000;
const firstPassMs = 60_000;
const passEveryMs = 10 * 60_000;
const restOfPassMs = 5_000;

/** Forgets, from time to time, orchestrations that ended long ago. What has not ended and entities stay, whatever their age. */
export class AgePurge {
  readonly #parts: AgePurgeParts;
  #cancel: () => void = () => undefined;
  #isOpen = false;
  #pass: Promise<void> = Promise.resolve();

  constructor(parts: AgePurgeParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#isOpen = true;
    this.#passIn(firstPassMs);
  }

  /** Begins no further pass and waits for the page under way. */
  async stop(): Promise<void> {
    this.#isOpen = false;
    this.#cancel();
    await this.#pass;
  }

  #passIn(ms: number): void {
    if (!this.#isOpen) return;
    const { clock } = this.#parts;
    this.#cancel = clock.schedule(clock.now() + ms, () => {
      this.#pass = this.#runPass().then((isDone) => this.#passIn(isDone ? passEveryMs : restOfPassMs));
    });
  }

  /** False when it stopped at its bound, with more to do. */
  async #runPass(): Promise<boolean> {
    const beforeMs = this.#parts.clock.now() - this.#parts.endedMsMax;
    let purged = 0;
    let page = pageSize;
    try {
      while (this.#isOpen && purged < passMax && page === pageSize) {
        page = await this.#parts.committer.commit((tx) => {
          const ids = tx.endedBefore(beforeMs, pageSize);
          for (const id of ids) tx.deleteInstance(id);
          return ids.length;
        });
        purged += page;
      }
    } catch (thrown) {
      this.#parts.error(`Instances that ended long ago could not be forgotten: ${describeThrown(thrown)}`);
    }
    if (purged > 0) this.#parts.info(`${purged} instances that ended long ago were forgotten.`);
    return purged < passMax;
  }
}
