/** The rate is that of the last so many milliseconds. */
export const rateWindowMs = 10_000;
const samplesMax = 256;
/** What comes in few large pieces is measured over at least so many of them. */
const piecesMin = 4;

type Sample = { readonly atMs: number; readonly totalBytes: number };

/** How fast bytes come, of which a running total is noted now and then. Times are milliseconds of the caller's clock. */
export class PieceRate {
  /** Moments at which bytes had come. */
  #samples: Sample[] = [];
  #newest: Sample | undefined;
  /** What came last at once. */
  #pieceBytes = 0;

  /** Notes how much has come in all. A total that is the same as before says nothing new. */
  note(atMs: number, totalBytes: number): void {
    if (totalBytes === this.#newest?.totalBytes) return;
    this.#pieceBytes = Math.max(0, totalBytes - (this.#newest?.totalBytes ?? totalBytes));
    // A clock that was put back begins anew.
    if (this.#newest !== undefined && atMs < this.#newest.atMs) this.#samples = [];
    this.#newest = { atMs, totalBytes };
    const kept = this.#samples.at(-1);
    if (kept === undefined || atMs - kept.atMs >= rateWindowMs / samplesMax) this.#samples.push(this.#newest);
    this.#dropOld(atMs);
  }

  /**
   * Bytes a second; undefined until bytes have come twice. Between two moments at which some came, since the time since the last piece says
   * nothing as long as the next one is not late; when it is, no more than if it came now.
   */
  at(nowMs: number): number | undefined {
    this.#dropOld(nowMs);
    const [oldest, newest] = [this.#samples[0], this.#newest];
    if (oldest === undefined || newest === undefined || newest.atMs <= oldest.atMs) return undefined;
    const bytes = Math.max(0, newest.totalBytes - oldest.totalBytes);
    const measured = bytes / (newest.atMs - oldest.atMs);
    // A clock that was put back must not make it less than nothing.
    const atMost = (bytes + this.#pieceBytes) / (Math.max(nowMs, newest.atMs) - oldest.atMs);
    return Math.round(1000 * Math.min(measured, atMost));
  }

  /** Keeps the newest sample that is older than the window: the rate is measured from it. */
  #dropOld(nowMs: number): void {
    const old = this.#samples.findLastIndex(({ atMs }) => atMs <= nowMs - rateWindowMs);
    const from = Math.min(old, this.#samples.length - piecesMin);
    if (from > 0) this.#samples.splice(0, from);
  }
}
