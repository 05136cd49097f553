import type { Moment } from '../../powershell/stand-in/service';

/** Of commands that change something every third meets a kill; there are far more that only look. */
const strikesOfChanges = 0.3;
const strikesOfLooks = 0.02;
/** So that a run comes to its end. */
const killsOfRunMax = 12;

export type Kill = { readonly command: string; readonly when: Moment };

/** Decides which commands meet a kill of their worker, until the kills are spent. */
export class Strikes {
  #ofRun: Kill[] | undefined;
  #left: number;

  constructor(
    kills: number,
    private readonly random: () => number,
  ) {
    this.#left = kills;
  }

  /** Kills that are not spent. */
  get left(): number {
    return this.#left;
  }

  /** Asked at each command that a worker gives to Hyper-V. Nothing is killed between runs. */
  readonly at = (command: string, isLook: boolean): Moment | undefined => {
    const struck = this.random() < (isLook ? strikesOfLooks : strikesOfChanges);
    const when = this.random() < 0.5 ? 'before' : 'after';
    if (!struck || this.#ofRun === undefined || this.#left === 0 || this.#ofRun.length >= killsOfRunMax)
      return undefined;
    this.#left -= 1;
    this.#ofRun.push({ command, when });
    return when;
  };

  /** Does work with kills in it, and answers what it answers, with those. */
  async during<T>(work: () => Promise<T>): Promise<{ readonly done: T; readonly kills: readonly Kill[] }> {
    const kills: Kill[] = [];
    this.#ofRun = kills;
    try {
      return { done: await work(), kills };
    } finally {
      this.#ofRun = undefined;
    }
  }
}
