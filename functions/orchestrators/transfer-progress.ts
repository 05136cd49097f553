import type { Failure } from '../../contracts/failure';
import type { RunInput } from '../../contracts/migration';
import type { OperationView } from '../../contracts/operations';
import type { Progress, Run } from '../saga/run';

type Watched = {
  readonly asked: { readonly kind: string; readonly label?: string; readonly bytesExpected?: number };
  readonly view: OperationView | undefined;
  readonly ended: { readonly ok: boolean } | undefined;
};

/** Sums up operations that move bytes into what the status shows, and says what the run waits for. */
export function describeProgress(run: Run<RunInput>, all: readonly Watched[], silence: Failure | undefined): void {
  const disks = all.flatMap((one) => (one.asked.label === undefined ? [] : [diskOf(run, one, one.asked.label)]));
  const waitingFor =
    silence?.message ?? all.map((one) => one.view?.progress?.waitingFor).find((text) => typeof text === 'string');
  run.showProgress(disks.length === 0 ? unnamed(run, all) : total(disks, rateOf(all)), waitingFor ?? null);
}

function diskOf(run: Run<RunInput>, one: Watched, name: string): Progress['disks'][number] {
  const seen = one.view?.progress;
  const bytesKnown = seen?.bytesTotal ?? one.asked.bytesExpected ?? 0;
  const done = one.ended?.ok === true ? bytesKnown : Math.min(seen?.bytesDone ?? 0, bytesKnown);
  const bytesDone = run.reach(name, done);
  return { name, bytesDone, bytesTotal: Math.max(bytesDone, bytesKnown) };
}

const rateOf = (all: readonly Watched[]): number =>
  all.reduce((sum, one) => sum + (one.ended === undefined ? (one.view?.progress?.bytesPerSecond ?? 0) : 0), 0);

function total(disks: Progress['disks'], bytesPerSecond: number): Progress {
  const bytesDone = disks.reduce((sum, disk) => sum + disk.bytesDone, 0);
  const bytesTotal = disks.reduce((sum, disk) => sum + disk.bytesTotal, 0);
  const secondsLeft = bytesPerSecond > 0 ? Math.round((bytesTotal - bytesDone) / bytesPerSecond) : null;
  return { bytesDone, bytesTotal, bytesPerSecond: Math.round(bytesPerSecond), secondsLeft, disks };
}

/** Progress of work on one host that has no disk's name, such as a merge. */
function unnamed(run: Run<RunInput>, all: readonly Watched[]): Progress | null {
  const [one] = all.filter(({ view }) => view?.progress !== null && view?.progress !== undefined);
  const seen = one?.view?.progress;
  if (one === undefined || seen === null || seen === undefined) return null;
  const { bytesPerSecond } = seen;
  const bytesDone = run.reach(one.asked.kind, Math.min(seen.bytesDone, seen.bytesTotal));
  const bytesTotal = Math.max(bytesDone, seen.bytesTotal);
  const secondsLeft = bytesPerSecond > 0 ? Math.round(Math.max(0, bytesTotal - bytesDone) / bytesPerSecond) : null;
  return {
    bytesDone,
    bytesTotal,
    bytesPerSecond: Math.round(bytesPerSecond),
    secondsLeft,
    disks: [],
  };
}
