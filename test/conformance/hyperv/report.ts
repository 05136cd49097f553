import { z } from 'zod';
import { needsPattern } from './lacking';

export type Verdict = { readonly kind: 'passed' } | { readonly kind: 'failed' | 'not run'; readonly reason: string };
/** By the name of the case, in the order of the suite. */
export type Verdicts = ReadonlyMap<string, Verdict>;

/** What is read of Jest's `--json`. */
const jestReport = z.object({
  testResults: z.array(
    z.object({
      message: z.string(),
      assertionResults: z.array(
        z.object({
          title: z.string(),
          ancestorTitles: z.array(z.string()),
          status: z.string(),
          failureMessages: z.array(z.string()),
        }),
      ),
    }),
  ),
});

/** What became of each case. The outermost name, which is that of the host, is left out. Throws when there is no case at all. */
export function verdictsOf(json: string): Verdicts {
  const { testResults } = jestReport.parse(JSON.parse(json));
  // Jest calls pending what its pattern of names left out.
  const all = testResults.flatMap(({ assertionResults }) =>
    assertionResults
      .filter(({ status }) => status !== 'pending')
      .map(({ title, ancestorTitles, status, failureMessages }) => {
        const name = [...ancestorTitles.slice(1), title].join(': ');
        return [name, verdictOf(status, failureMessages)] as const;
      }),
  );
  if (all.length === 0) throw new Error(`no case was run: ${testResults.map(({ message }) => message).join('\n')}`);
  return new Map(all);
}

function verdictOf(status: string, messages: readonly string[]): Verdict {
  if (status === 'passed') return { kind: 'passed' };
  const text = messages.join('\n');
  const needs = needsPattern.exec(text)?.[1];
  if (needs !== undefined) return { kind: 'not run', reason: needs };
  if (status !== 'failed') return { kind: 'not run', reason: status };
  return { kind: 'failed', reason: firstLines(text) };
}

const reasonLinesMax = 12;
const escape = String.fromCharCode(27);

function firstLines(text: string): string {
  const plain = text.replaceAll(new RegExp(`${escape}\\[[0-9;]*m`, 'g'), '');
  return plain
    .split('\n')
    .filter((line) => !/^\s+at /.test(line))
    .slice(0, reasonLinesMax)
    .join('\n');
}

export type Column = { readonly host: string; readonly verdicts: Verdicts };

const words = { passed: 'passed', failed: 'FAILED', 'not run': 'not run' } as const;
const absent = '-';

/** The cases as rows, the hosts side by side, and below what failed and what was not run, with the reasons. */
export function describeColumns(columns: readonly Column[]): string[] {
  const names = [...new Set(columns.flatMap(({ verdicts }) => [...verdicts.keys()]))];
  const widths = columns.map(({ host }) => Math.max(host.length, words['not run'].length));
  const row = (cells: readonly string[], name: string): string =>
    [...cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)), name].join('  ');
  const rows = names.map((name) =>
    row(
      columns.map(({ verdicts }) => {
        const verdict = verdicts.get(name);
        return verdict === undefined ? absent : words[verdict.kind];
      }),
      name,
    ),
  );
  const header = row(
    columns.map(({ host }) => host),
    'case',
  );
  return [header, ...rows, '', ...columns.flatMap(reasonsOf), ...columns.map(countOf)];
}

const reasonsOf = ({ host, verdicts }: Column): string[] => {
  const lines = [...verdicts].flatMap(([name, verdict]) =>
    verdict.kind === 'failed' ? [`${host}: ${name}`, ...verdict.reason.split('\n').map((line) => `    ${line}`)] : [],
  );
  const needed = new Map<string, number>();
  for (const verdict of verdicts.values())
    if (verdict.kind === 'not run') needed.set(verdict.reason, (needed.get(verdict.reason) ?? 0) + 1);
  const notRun = [...needed].map(([reason, count]) => `${host}: ${count} not run: ${reason}`);
  return [...lines, ...notRun];
};

const countOf = ({ host, verdicts }: Column): string => {
  const count = (kind: Verdict['kind']): number => [...verdicts.values()].filter((one) => one.kind === kind).length;
  return `${host}: ${count('passed')} passed, ${count('failed')} failed, ${count('not run')} not run`;
};

/** Whether no case failed, and one at least was run, on every host. */
export const allHold = (columns: readonly Column[]): boolean =>
  columns.every(({ verdicts }) => {
    const kinds = [...verdicts.values()].map(({ kind }) => kind);
    return kinds.includes('passed') && !kinds.includes('failed');
  });
