/**
 * `npm run conformance:runtime [-- --area NAME] [--only TEXT] [--stage FOLDER]`: runs the suite and prints what became of each case.
 * With HYPERFERRY_CONFORMANCE_URL (and HYPERFERRY_CONFORMANCE_KEY, a key that opens everything) it runs against the app at that
 * address; `--stage` only puts the app together in FOLDER, to be deployed. The exit code is 0 when nothing is red.
 */
import { parseArgs } from 'node:util';
import { installCore } from '../../../runtime/worker/install-core';
import type { Case } from './case';
import { cases } from './cases';
import { stageApp } from './stage-app';
import { runCases, type Verdict } from './suite';
import { azureTargets } from './targets/azure-targets';
import { hostTargets } from './targets/host-targets';
import { virtualTargets } from './targets/virtual-targets';
import type { Targets } from './targets/target';

const seed = 1;

function chosen(): { readonly cases: readonly Case[]; readonly stage: string | undefined } {
  const { values } = parseArgs({
    options: { area: { type: 'string' }, only: { type: 'string' }, stage: { type: 'string' } },
  });
  const { area, only, stage } = values;
  const wanted = cases.filter(
    (conformance) => (area === undefined || conformance.area === area) && conformance.name.includes(only ?? ''),
  );
  return { cases: wanted, stage };
}

async function places(): Promise<Targets[]> {
  const url = process.env['HYPERFERRY_CONFORMANCE_URL'];
  if (url !== undefined) return [azureTargets(url, process.env['HYPERFERRY_CONFORMANCE_KEY'] ?? '')];
  installCore();
  return [await hostTargets(seed), virtualTargets('memory', seed)];
}

const words = { green: 'green', red: 'RED', 'left out': '-' } as const satisfies Record<Verdict['kind'], string>;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

function table(
  wanted: readonly Case[],
  columns: readonly { readonly place: string; readonly verdicts: Map<Case, Verdict> }[],
): void {
  const nameWidth = Math.max(...wanted.map(({ name }) => name.length));
  const row = (area: string, name: string, cells: readonly string[]): void =>
    say([area.padEnd(18), name.padEnd(nameWidth), ...cells.map((cell) => cell.padEnd(6))].join('  ').trimEnd());
  row(
    'area',
    'case',
    columns.map(({ place }) => place),
  );
  for (const conformance of wanted) {
    const verdicts = columns.map(({ verdicts: all }) => all.get(conformance));
    row(
      conformance.area,
      conformance.name,
      verdicts.map((verdict) => words[verdict?.kind ?? 'red']),
    );
    for (const verdict of verdicts) if (verdict?.kind === 'red') say(`    ${verdict.reason}`);
  }
  for (const { place, verdicts } of columns) {
    const count = (kind: Verdict['kind']): number =>
      [...verdicts.values()].filter((verdict) => verdict.kind === kind).length;
    say(`${place}: ${count('green')} green, ${count('red')} red, ${count('left out')} left out`);
  }
}

async function main(): Promise<void> {
  const { cases: wanted, stage } = chosen();
  if (stage !== undefined) {
    stageApp(stage, 'own');
    say(`The app is in ${stage}; "npm install --omit=dev" there, then deploy it.`);
    return;
  }
  const columns = [];
  for (const targets of await places()) {
    const startedMs = performance.now();
    const verdicts = await runCases(wanted, targets);
    await targets.close();
    columns.push({ place: targets.place, verdicts });
    process.stderr.write(`${targets.place}: ${((performance.now() - startedMs) / 1000).toFixed(1)} s\n`);
  }
  table(wanted, columns);
  const isRed = columns.some(({ verdicts }) => [...verdicts.values()].some(({ kind }) => kind === 'red'));
  process.exitCode = isRed ? 1 : 0;
}

void main();
