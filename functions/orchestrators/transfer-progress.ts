import type { Failure } from '../../contracts/failure';
import type { RunInput } from '../../contracts/migration';
import type { OperationView } from '../../contracts/operations';
import { leftMs } from '../saga/outlook';
import type { Progress, Run } from '../saga/run';

type Watched = {
  readonly asked: {
    readonly host: string;
    readonly kind: string;
    readonly label?: string;
    readonly bytesExpected?: number;
  };
  readonly view: OperationView | undefined;
  readonly ended: { readonly ok: boolean } | undefined;
};

/** How far one operation is; `name` is that of a disk or a file, or says what other work it is. */
type Part = Progress['disks'][number] & { readonly isFile: boolean };

/**
 * Sums up operations that move bytes into what the status shows, and says what the run waits for. What earlier operations of this phase did
 * stays in the sum: a phase of many rounds shows all that it has done, and never less than before. Answers in how many milliseconds they will
 * have ended at their present rate; null when that is not known.
 */
export function describeProgress(
  run: Run<RunInput>,
  all: readonly Watched[],
  silence: Failure | undefined,
): number | null {
  const parts = all.flatMap((one) => partOf(run, one));
  const waitingFor =
    silence?.message ?? all.map((one) => one.view?.progress?.waitingFor).find((text) => typeof text === 'string');
  const progress = parts.length === 0 ? null : total(run, parts, rateOf(all));
  run.showProgress(progress, waitingFor ?? null);
  return progress === null ? null : leftMs(progress);
}

function partOf(run: Run<RunInput>, { asked, view, ended }: Watched): Part[] {
  const seen = view?.progress ?? undefined;
  if (asked.label === undefined && seen === undefined) return [];
  const name = asked.label ?? `${asked.kind} on ${asked.host}`;
  // A destination of the staged route does not know what is to come before its source has said so.
  const told = seen?.bytesTotal ?? 0;
  const bytesKnown = told > 0 ? told : (asked.bytesExpected ?? 0);
  const done = ended?.ok === true ? bytesKnown : Math.min(seen?.bytesDone ?? 0, bytesKnown);
  const bytesDone = run.reach(name, done);
  return [{ name, bytesDone, bytesTotal: Math.max(bytesDone, bytesKnown), isFile: asked.label !== undefined }];
}

const rateOf = (all: readonly Watched[]): number =>
  all.reduce((sum, one) => sum + (one.ended === undefined ? (one.view?.progress?.bytesPerSecond ?? 0) : 0), 0);

function total(run: Run<RunInput>, parts: readonly Part[], bytesPerSecond: number): Progress {
  const earlierBytes = run.reachedBesides(parts.map(({ name }) => name));
  const bytesDone = parts.reduce((sum, part) => sum + part.bytesDone, earlierBytes);
  const bytesTotal = parts.reduce((sum, part) => sum + part.bytesTotal, earlierBytes);
  return {
    bytesDone,
    bytesTotal,
    bytesPerSecond: Math.round(bytesPerSecond),
    disks: parts.filter(({ isFile }) => isFile).map(({ isFile: _isFile, ...disk }) => disk),
  };
}
