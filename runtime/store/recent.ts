/**
 * What was used last, so that a turn does not read what the turn before wrote. Bounded by the weight of what it holds; what a
 * transaction has touched is dropped when it is undone.
 */
export class Recent<K, V> {
  readonly #weightMax: number;
  readonly #weightOf: (value: V) => number;
  readonly #values = new Map<K, V>();
  readonly #touched = new Set<K>();
  #weight = 0;

  constructor(weightMax: number, weightOf: (value: V) => number) {
    this.#weightMax = weightMax;
    this.#weightOf = weightOf;
  }

  get(key: K): V | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    // A Map keeps the order of insertion: what was used last goes to its end.
    this.#values.delete(key);
    this.#values.set(key, value);
    return value;
  }

  /** Keeps what was read from the database. */
  keep(key: K, value: V): void {
    this.#drop(key);
    const weight = this.#weightOf(value);
    if (weight > this.#weightMax) return;
    this.#values.set(key, value);
    this.#weight += weight;
    for (const oldest of this.#values.keys()) {
      if (this.#weight <= this.#weightMax) break;
      this.#drop(oldest);
    }
  }

  /** Keeps what the transaction under way has written; undefined when that is nothing any more. */
  change(key: K, value: V | undefined): void {
    this.#touched.add(key);
    if (value === undefined) this.#drop(key);
    else this.keep(key, value);
  }

  /** To be called when a transaction has ended. */
  settle(outcome: 'committed' | 'undone'): void {
    if (outcome === 'undone') for (const key of this.#touched) this.#drop(key);
    this.#touched.clear();
  }

  #drop(key: K): void {
    const value = this.#values.get(key);
    if (value === undefined) return;
    this.#weight -= this.#weightOf(value);
    this.#values.delete(key);
  }
}
