import type { Kind, RunReport } from '../../../contracts/migration';

/** What a run said of its own end when a quarter of it was over. */
export type Foretold = {
  readonly kind: Kind;
  /** How long it took from there to its end. */
  readonly leftMs: number;
  /** How long it was said to take from there; null when nothing was said. */
  readonly foretoldMs: number | null;
};

const partOfRun = 0.25;
/** Nobody asks when a run will end that is shorter. */
const shortMsMax = 30_000;

/** Follows what a run says of its end. */
export class Foretelling {
  readonly #said: { readonly atMs: number; readonly endMs: number | null }[] = [];
  #asked = false;

  constructor(private readonly kind: Kind) {}

  shown({ expectedEndAt, question }: Pick<RunReport, 'expectedEndAt' | 'question'>, nowMs: number): void {
    this.#said.push({ atMs: nowMs, endMs: expectedEndAt === null ? null : Date.parse(expectedEndAt) });
    this.#asked ||= question !== null;
  }

  /** Undefined for a run that was short, as those are that carry nothing, and for one that a person kept waiting. */
  atEnd(nowMs: number): Foretold | undefined {
    const [first] = this.#said;
    if (first === undefined || nowMs - first.atMs < shortMsMax || this.#asked) return undefined;
    const atMs = first.atMs + partOfRun * (nowMs - first.atMs);
    const said = this.#said.findLast((one) => one.atMs <= atMs);
    const endMs = said?.endMs ?? null;
    return { kind: this.kind, leftMs: nowMs - atMs, foretoldMs: endMs === null ? null : endMs - atMs };
  }
}
