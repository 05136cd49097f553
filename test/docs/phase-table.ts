import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunInput } from '../../contracts/migration';
import { itineraries } from '../../functions/orchestrators/kinds';
import type { Itinerary } from '../../functions/saga/itinerary';
import { projectRoot } from '../project-root';

/** The README's tables of phases come from the itineraries: `npm run docs:phases` writes them, a test finds a stale one. */

const readmePath = join(projectRoot, 'README.md');
const begin = '<!-- phases: written by npm run docs:phases -->';
const end = '<!-- end of phases -->';

export function phaseTables(): string {
  return itineraries.map(tableOf).join('\n\n');
}

function tableOf(itinerary: Itinerary<RunInput>): string {
  const rows = itinerary.phases.map((phase) => {
    const name = phase.pivot ? `**${phase.name}** (pivot)` : phase.name;
    const undo = phase.undo.kind === 'undo' ? phase.undo.what : `none: ${phase.undo.because}`;
    return `| ${phase.step} | ${name} | ${phase.what} | ${undo} |`;
  });
  const head = ['| Step | Phase | Do | Undo |', '| --- | --- | --- | --- |'];
  return [`### \`${itinerary.kind}\`, version ${itinerary.version}`, '', ...head, ...rows].join('\n');
}

/** The tables as the README has them, white space of cells aside: the formatter pads them. */
export function tablesOfReadme(): string {
  const readme = readFileSync(readmePath, 'utf8');
  return readme.slice(readme.indexOf(begin) + begin.length, readme.indexOf(end)).trim();
}

export const withoutPadding = (table: string): string => table.replace(/ +/g, ' ').replace(/-{3,}/g, '---');

function writeTables(): void {
  const readme = readFileSync(readmePath, 'utf8');
  const from = readme.indexOf(begin);
  const to = readme.indexOf(end);
  if (from < 0 || to < from) throw new Error(`README.md has no place for the phases between "${begin}" and "${end}"`);
  writeFileSync(readmePath, `${readme.slice(0, from + begin.length)}\n\n${phaseTables()}\n\n${readme.slice(to)}`);
}

if (require.main === module) writeTables();
