import type { RunInput, StopPolicy } from '../../contracts/migration';

/** One pass of pre-copy as it was. */
export type Pass = {
  readonly changedBytes: number;
  readonly sentBytes: number;
  readonly tookMs: number;
  /** Of a pass that took from seeds: what came, and how long it took, while the line was what it waited for. */
  readonly ofLine?: { readonly bytes: number; readonly ms: number } | undefined;
};

/** Operations of a cutover that each wait for a look, but for the copy: stop, fence, export, begin, import, two digests, start. */
const cutoverOperations = 8;
/** Most end before they are first looked at; the copy and the digests do not. */
const looks = 3;
/** What these take themselves. */
const operationMs = 250;
/** Before anything was measured. */
const bytesPerMsGuess = 20_000;
/** A pass that carried less says more of its beginning and end than of the rate. */
const measuredBytesMin = 1024 * 1024;

/** Bytes a millisecond of the last pass that carried enough to tell. */
function rateOf(passes: readonly Pass[]): number {
  const measured = passes.findLast((pass) => pass.sentBytes >= measuredBytesMin && pass.tookMs > 0);
  if (measured === undefined) return bytesPerMsGuess;
  // Neither is more than hosts and line carry of what no seed has: comparing with a seed takes time, and side by side each file has a part of the line.
  const { sentBytes, tookMs, ofLine } = measured;
  return Math.max(
    sentBytes / tookMs,
    ofLine === undefined || ofLine.bytes < measuredBytesMin ? 0 : ofLine.bytes / ofLine.ms,
  );
}

/** What the files of a pass tell of the line together; undefined where none does. */
export function lineOf(files: readonly Pick<Pass, 'ofLine'>[]): Pass['ofLine'] {
  const told = files.flatMap(({ ofLine }) => ofLine ?? []);
  if (told.length === 0) return undefined;
  return told.reduce((sum, { bytes, ms }) => ({ bytes: sum.bytes + bytes, ms: sum.ms + ms }));
}

/**
 * How long the guest would not serve if the cutover began now: what is left, and its memory where it is saved, at the rate of the last
 * pass, and what the operations around it take.
 */
export function predictedOutageMs(
  {
    request,
    pace,
  }: { readonly request: { readonly policy: { readonly stop: StopPolicy } }; readonly pace: RunInput['pace'] },
  done: { readonly rounds: readonly Pass[]; readonly memoryBytes: number },
  lagBytes: number,
): number {
  const bytes = lagBytes + (request.policy.stop === 'save' ? done.memoryBytes : 0);
  const aroundMs = cutoverOperations * operationMs + looks * pace.lookMsMin;
  return Math.round(aroundMs + bytes / rateOf(done.rounds));
}

/** A round that is not this much smaller than the one before has not shrunk. */
const shrinkingMax = 0.9;
/** So many in a row that have not, and the rounds have stopped shrinking. */
const notShrunkMax = 2;

/** Whether rounds still get smaller; the first pass is not one of them. */
export function shrinks(passes: readonly Pass[]): boolean {
  const rounds = passes.slice(1);
  const last = rounds.slice(-(notShrunkMax + 1));
  if (last.length <= notShrunkMax) return true;
  return last.some((round, index) => {
    const before = last[index - 1];
    return before !== undefined && round.changedBytes < before.changedBytes * shrinkingMax;
  });
}
