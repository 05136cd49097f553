/** The rate is that of the last seconds: long enough to be steady, short enough to tell the truth about now. */
const spanMs = 5_000;

/** Bytes per second over the last seconds, from samples of a running total. */
export class RateMeter {
  readonly #samples: { readonly atMs: number; readonly totalBytes: number }[] = [];

  /** Notes the total and answers the rate. */
  sample(atMs: number, totalBytes: number): number {
    this.#samples.push({ atMs, totalBytes });
    while (this.#samples.length > 2 && atMs - (this.#samples[1]?.atMs ?? atMs) >= spanMs) this.#samples.shift();
    const first = this.#samples[0];
    if (first === undefined || atMs <= first.atMs) return 0;
    return Math.max(0, Math.round(((totalBytes - first.totalBytes) / (atMs - first.atMs)) * 1000));
  }
}
