import { tableOf } from '../../../bench/table';
import type { WorkersSoakResult } from './soak';

const counted = (items: readonly string[]): string =>
  [...new Set(items)].map((item) => `${items.filter((one) => one === item).length} ${item}`).join(', ');

/** The result for people. */
export function describeWorkersSoak({ seed, runs, wrong }: WorkersSoakResult): string {
  const kinds = [...new Set(runs.map(({ kind }) => kind))];
  const rows = kinds.map((kind) => {
    const own = runs.filter((run) => run.kind === kind);
    const kills = own.flatMap((run) => run.kills);
    const questions = own.flatMap((run) => run.questions);
    return [kind, counted(own.map(({ end }) => end)), String(kills.length), counted(questions)];
  });
  const kills = runs.flatMap((run) => run.kills);
  return [
    tableOf(['kind', 'ended', 'workers killed', 'asked, and answered retry'], rows),
    `seed ${seed}: ${runs.length} runs, ${kills.length} kills: ${counted(kills.map(({ when }) => `${when} a command`))}`,
    `killed at: ${counted(kills.map(({ command }) => command))}`,
    wrong.length === 0 ? 'every run completed or was rolled back, and nothing was left' : 'NOT all well',
    ...wrong.map((it) => `WRONG ${it}`),
  ].join('\n');
}
