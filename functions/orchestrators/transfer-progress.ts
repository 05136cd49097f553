import type { Failure } from '../../contracts/failure';
import type { OperationView } from '../../contracts/operations';
import type { Progress, Run } from '../saga/run';

/** What of a run shows how far it is. */
type Shown = Pick<Run<unknown>, 'reach' | 'reachedBesides' | 'noteRate' | 'showProgress'>;

export type Watched = {
  readonly asked: {
    readonly host: string;
    readonly kind: string;
    readonly label?: string;
    readonly bytesExpected?: number;
  };
  readonly view: Pick<OperationView, 'progress'> | undefined;
  readonly ended: { readonly ok: boolean } | undefined;
};

/** How far one operation is; `name` is that of a disk or a file, or says what other work it is. */
type Part = Progress['disks'][number] & {
  readonly isFile: boolean;
  readonly bytesPerSecond: number;
  readonly leg: Leg;
};

/**
 * What goes to where it belongs by way of storage goes twice, with one leg behind the other. Everything else is a leg by itself: what moves side
 * by side shares a line, so that what is left of it takes as long as all of it together.
 */
const legs = ['to storage', 'to where it belongs'] as const;
type Leg = (typeof legs)[number];
const legOf = (kind: string): Leg => (kind === 'stage' ? 'to storage' : 'to where it belongs');

/**
 * Sums up operations that move bytes into what the status shows, and says what the run waits for. What earlier operations of this phase did
 * stays in the sum: a phase of many rounds shows all that it has done, and never less than before. Answers in how many milliseconds they will
 * have ended at their present rate; null when that is not known.
 */
export function describeProgress(run: Shown, all: readonly Watched[], silence: Failure | undefined): number | null {
  const parts = all.flatMap((one) => partOf(run, one));
  const waitingFor =
    silence?.message ?? all.map((one) => one.view?.progress?.waitingFor).find((text) => typeof text === 'string');
  const progress = parts.length === 0 ? null : total(run, parts);
  run.noteRate(slowestRate(parts));
  run.showProgress(progress, waitingFor ?? null);
  return progress?.leftMs ?? null;
}

function partOf(run: Shown, { asked, view, ended }: Watched): Part[] {
  const seen = view?.progress ?? undefined;
  if (asked.label === undefined && seen === undefined) return [];
  const name = asked.label ?? `${asked.kind} on ${asked.host}`;
  // A destination of the staged route does not know what is to come before its source has said so.
  const told = seen?.bytesTotal ?? 0;
  const bytesKnown = told > 0 ? told : (asked.bytesExpected ?? 0);
  const done = ended?.ok === true ? bytesKnown : Math.min(seen?.bytesDone ?? 0, bytesKnown);
  const bytesDone = run.reach(name, done);
  return [
    {
      name,
      bytesDone,
      bytesTotal: Math.max(bytesDone, bytesKnown),
      isFile: asked.label !== undefined,
      bytesPerSecond: ended === undefined ? (seen?.bytesPerSecond ?? 0) : 0,
      leg: legOf(asked.kind),
    },
  ];
}

function total(run: Shown, parts: readonly Part[]): Progress {
  const earlierBytes = run.reachedBesides(parts.map(({ name }) => name));
  return {
    bytesDone: sumOf(parts, 'bytesDone') + earlierBytes,
    bytesTotal: sumOf(parts, 'bytesTotal') + earlierBytes,
    bytesPerSecond: Math.round(sumOf(parts, 'bytesPerSecond')),
    leftMs: leftMs(parts),
    disks: parts
      .filter(({ isFile }) => isFile)
      .map(({ name, bytesDone, bytesTotal }) => ({ name, bytesDone, bytesTotal })),
  };
}

/** What each leg has still to do, and how fast it does it. */
const legsOf = (parts: readonly Part[]): { readonly bytesLeft: number; readonly bytesPerSecond: number }[] =>
  legs.map((leg) => {
    const those = parts.filter((part) => part.leg === leg);
    return {
      bytesLeft: sumOf(those, 'bytesTotal') - sumOf(those, 'bytesDone'),
      bytesPerSecond: sumOf(those, 'bytesPerSecond'),
    };
  });

/** Of the leg that takes longest. One that has not begun to move goes as fast as the one that it follows. */
function leftMs(parts: readonly Part[]): number | null {
  let longestMs = 0;
  let rateBefore = 0;
  for (const { bytesLeft, bytesPerSecond } of legsOf(parts)) {
    const rate = bytesPerSecond || rateBefore;
    if (bytesLeft > 0 && rate === 0) return null;
    if (bytesLeft > 0) longestMs = Math.max(longestMs, Math.round((1000 * bytesLeft) / rate));
    rateBefore = rate;
  }
  return longestMs;
}

/** Of the legs that move; 0 when none does. */
function slowestRate(parts: readonly Part[]): number {
  const moving = legsOf(parts).filter(({ bytesPerSecond }) => bytesPerSecond > 0);
  return moving.length === 0 ? 0 : Math.min(...moving.map(({ bytesPerSecond }) => bytesPerSecond));
}

const sumOf = (parts: readonly Part[], figure: 'bytesDone' | 'bytesTotal' | 'bytesPerSecond'): number =>
  parts.reduce((sum, part) => sum + part[figure], 0);
