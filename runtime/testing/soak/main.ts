/**
 * `npm run soak:runtime -- --kills N [--seed S] [--json]`: kills a real runtime process with `kill -9` N times under a mixed load, then
 * looks whether anything is lost, doubled or wrong. Exit 0 only if nothing is; 1 if something is; 2 for wrong arguments.
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { describeThrown } from '../../../contracts/failure';
import { soak, type SoakReport } from './soak';

const usage = `Usage: npm run soak:runtime -- [--kills N] [--seed S] [--json]
  --kills  how often the runtime is killed (default 60)
  --seed   decides load and moments; the same seed plans the same again (default 1)
  --json   one JSON document instead of the table`;

const wholeNumber = (text: string | undefined) => z.coerce.number().int().min(0).max(1_000_000).parse(text);

function readArguments(): { kills: number; seed: number; json: boolean } {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '60' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
    },
  });
  return { kills: wholeNumber(values.kills), seed: wholeNumber(values.seed), json: values.json };
}

function table(rows: readonly (readonly (string | number)[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => String(row[column] ?? '').length))) ?? [];
  return rows.map((row) =>
    `  ${row.map((cell, column) => String(cell).padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  );
}

function reportLines(report: SoakReport, tookMs: number): string[] {
  const { kills, seed, faults } = report;
  return [
    '',
    `Killed ${kills} times (seed ${seed}) in ${Math.round(tookMs / 1000)} s:`,
    ...table([['WHEN', 'KILLS', 'HIT'], ...report.windows.map(({ window, kills: n, hits }) => [window, n, hits])]),
    '',
    'Load:',
    ...table([
      ['ORCHESTRATOR', 'ASKED', 'ACKNOWLEDGED', 'WHAT'],
      ...report.loads.map(({ orchestrator, asked, acknowledged, what }) => [orchestrator, asked, acknowledged, what]),
    ]),
    '',
    'Afterwards:',
    ...table([
      ['instances', report.instances],
      ['activities completed', report.completedActivities],
      ['activities run again', report.repeatedActivities],
      ['entity operations', report.entityOperations],
      ['time to end all that was open', `${(report.endMs / 1000).toFixed(1)} s`],
      ['faults', faults.length],
    ]),
    ...faults.slice(0, 50).map((fault) => `  fault: ${fault}`),
    faults.length === 0
      ? 'Nothing acknowledged is lost, nothing is doubled, every output is right.'
      : `${faults.length} faults.`,
  ];
}

async function main(): Promise<void> {
  const { kills, seed, json } = readArguments();
  const beganMs = Date.now();
  const isTerminal = process.stderr.isTTY;
  const report = await soak({
    kills,
    seed,
    onKill: ({ kill, window, instances }) => {
      const line = `kill ${kill} of ${kills} (${window}), ${instances} instances, ${Math.round((Date.now() - beganMs) / 1000)} s`;
      if (isTerminal) process.stderr.write(`\r${line.padEnd(70)}${kill === kills ? '\n' : ''}`);
      else if (kill % 10 === 0 || kill === kills) process.stderr.write(`${line}\n`);
    },
  });
  if (json) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  else process.stdout.write(`${reportLines(report, Date.now() - beganMs).join('\n')}\n`);
  process.exitCode = report.faults.length === 0 ? 0 : 1;
}

main().catch((thrown: unknown) => {
  const isUsage = thrown instanceof z.ZodError || (thrown instanceof TypeError && 'code' in thrown);
  process.stderr.write(
    `${thrown instanceof z.ZodError ? z.prettifyError(thrown) : describeThrown(thrown)}\n${isUsage ? `${usage}\n` : ''}`,
  );
  process.exitCode = isUsage ? 2 : 1;
});
