import { createRandom, guidOf } from '../../../agent/hyperv/simulated/seeded';
import type { Chance } from '../../../agent/chance';

/** Draws of one purpose. Each purpose has a sequence of its own, so that one fault left out moves no other. */
export class Draw {
  readonly #random;
  #guids = 0;

  constructor(
    seed: number,
    readonly purpose: string,
  ) {
    let mixed = seed >>> 0;
    for (const character of purpose) mixed = Math.imul(mixed ^ character.charCodeAt(0), 0x01000193) >>> 0;
    this.#random = createRandom(mixed);
  }

  /** At least 0 and below 1. */
  fraction(): number {
    return this.#random.fraction();
  }

  /** An integer from `min` to `max`. */
  between(min: number, max: number): number {
    return min + this.#random.below(max - min + 1);
  }

  oneIn(count: number): boolean {
    return this.#random.below(count) === 0;
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.#random.below(from.length)];
    if (picked === undefined) throw new Error(`${this.purpose}: nothing to pick from`);
    return picked;
  }

  guid(): string {
    return guidOf(this.purpose, String(this.fraction()), String(this.#guids++));
  }

  asChance(): Chance {
    return { random: () => this.fraction(), newGuid: () => this.guid() };
  }
}
