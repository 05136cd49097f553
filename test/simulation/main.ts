import './platform/installed';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { parseAsked, usage, type Asked } from './arguments';
import { exitCodes } from './exit-codes';
import { everyKind } from './kinds';
import { simulateMutants } from './mutants-command';
import { addMarks, marksMissing } from './marks';
import { projectRoot } from '../project-root';
import type { Told } from './worker';
import { dealt, runWorker } from './workers';
import type { Foretold } from './oracles/foretelling';
import { describeForetold, summaryOf, type ForetoldSummary } from './foretold';

/** When more are missing, their names say nothing: too few seeds were lived through. */
const missingShownMax = 12;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(words: readonly string[]): Promise<number> {
  const asked = parseAsked(words);
  if ('wrong' in asked) {
    say(`${asked.wrong}\n${usage}`);
    return exitCodes.usage;
  }
  if (asked.help) {
    say(usage);
    return exitCodes.done;
  }
  return asked.mutants || asked.mutant !== null ? simulateMutants(asked, say) : simulate(asked);
}

async function simulate(asked: Asked): Promise<number> {
  const began = performance.now();
  const broken: Told[] = [];
  const marks = new Map<string, number>();
  const ends = new Map<string, number>();
  let events = 0;
  const foretold: Foretold[] = [];
  const fingerprints: string[] = [];
  let virtualMs = 0;
  const take = (told: Told): void => {
    const { result } = told;
    addMarks(marks, result.marks);
    for (const end of result.ends) ends.set(end, (ends.get(end) ?? 0) + 1);
    foretold.push(...result.foretold);
    events += result.events;
    fingerprints.push(`${result.seed}:${result.fingerprint}`);
    if (fingerprints.length % 100 === 0) process.stderr.write(`${fingerprints.length} of ${asked.seeds} seeds\n`);
    virtualMs += result.virtualMs;
    if (result.violations.length === 0) return;
    broken.push(told);
    if (!asked.json) say(describe(told));
  };
  const { kinds, without, trace } = asked;
  const calm = asked.calm || asked.foretold;
  const size = asked.foretold ? 'large' : 'small';
  const shares = dealt(asked.from ?? 1, asked.seeds, trace ? 1 : asked.workers);
  await Promise.all(
    shares.map((seeds) =>
      runWorker({ seeds, kinds: [...kinds], without: [...without], calm, size, trace, mutant: null }, take),
    ),
  );
  const missing = marksMissing(marks);
  const areMarksDue = asked.seeds >= asked.marksFrom && !calm && kinds.length === everyKind.length;
  const seconds = (performance.now() - began) / 1000;
  const summary = {
    seeds: asked.seeds,
    from: asked.from ?? 1,
    commit: commit(),
    kinds,
    violations: broken.map(({ result, schedule }) => ({ seed: result.seed, violations: result.violations, schedule })),
    ends: Object.fromEntries(ends),
    marks: Object.fromEntries([...marks].sort()),
    marksMissing: missing,
    ...(asked.foretold && { foretold: summaryOf(foretold) }),
    events,
    fingerprint: createHash('sha256').update(fingerprints.sort().join()).digest('hex').slice(0, 16),
    virtualHours: Math.round(virtualMs / 36_000) / 100,
    seconds: Math.round(seconds * 10) / 10,
  };
  say(asked.json ? JSON.stringify(summary, null, 1) : describeSummary(summary));
  const isShort = (areMarksDue && missing.length > 0) || summary.foretold?.isGoodEnough === false;
  return broken.length === 0 && !isShort ? exitCodes.done : exitCodes.broken;
}

const describe = ({ result, schedule }: Told): string =>
  [`seed ${result.seed} at commit ${commit()} broke a promise:`, ...schedule].join('\n');

type Summary = {
  readonly seeds: number;
  readonly violations: readonly unknown[];
  readonly ends: Readonly<Record<string, number>>;
  readonly marks: Readonly<Record<string, number>>;
  readonly marksMissing: readonly string[];
  readonly foretold?: ForetoldSummary;
  readonly events: number;
  readonly virtualHours: number;
  readonly seconds: number;
};

function describeSummary(summary: Summary): string {
  const marks = Object.entries(summary.marks).map(([mark, count]) => `${String(count).padStart(8)}  ${mark}`);
  const { marksMissing: missing } = summary;
  if (summary.foretold !== undefined) return describeForetold(summary.foretold);
  return [
    ...marks,
    ...(missing.length === 0
      ? []
      : [`marks that were not reached: ${missing.length <= missingShownMax ? missing.join('; ') : missing.length}`]),
    `${summary.seeds} seeds, ${summary.events} events, ${summary.virtualHours} hours of virtual time in ${summary.seconds} s; ` +
      `runs: ${Object.entries(summary.ends)
        .map(([end, count]) => `${count} ${end}`)
        .join(', ')}; seeds with a broken promise: ${summary.violations.length}`,
  ].join('\n');
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: projectRoot, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

void main(process.argv.slice(2)).then((code) => (process.exitCode = code));
