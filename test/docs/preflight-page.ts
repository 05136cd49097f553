import { writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from '../../activities/preflight/check';
import { areas, checks } from '../../activities/preflight/checks';
import { kinds } from '../../contracts/migration';
import { projectRoot } from '../project-root';

/** docs/preflight.md comes from the registry of checks: `npm run docs:preflight` writes it, a test finds a stale one. */

const path = join(projectRoot, 'docs', 'preflight.md');

const intro = `# Preflight

<!-- Written by npm run docs:preflight from activities/preflight/checks. Do not edit. -->

Before a run touches anything it looks at both hosts, the VM and the folder, and judges what it sees by the ${checks.length} checks below. The
same checks answer \`hyperferry preflight\` and \`POST /api/preflight\`, which change nothing.

- A **critical** finding refuses the run: it ends as rejected, with the finding in its status and its receipt. One that may pass by itself
  (marked "may pass") is looked at again for five minutes first.
- A **warning** and an **information** stop nothing; they are shown, and stand in the receipt.
- A check whose fact a host does not tell is never passed silently: it is a concern of its own, \`not-known\`, one severity below. So a critical
  check that cannot look is a warning, and refuses no run.
- A check that cannot look because of another finding (there is no such VM, a host does not answer) is skipped; that finding is critical.

"Looks at" names the facts, as the concerns of \`hyperferry preflight --json\` do. What is seen now can change before it is used, so hosts check
what they are asked for again when they do it: preflight tells it early, and tells all of it at once.`;

const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/\s+/g, ' ');

function appliesTo({ kinds: of, scenario }: Check): string {
  const all = of.length === kinds.length ? 'every kind' : of.map((kind) => `\`${kind}\``).join(', ');
  return scenario === undefined ? all : `${all}; ${scenario.when}`;
}

function rowOf(check: Check): string {
  const severity = check.mayPass === true ? `${check.severity}, may pass` : check.severity;
  const facts = check.looksAt.map((name) => `\`${name}\``).join(', ');
  const columns = [`\`${check.id}\``, severity, appliesTo(check), facts, check.finds, check.remedy, check.source];
  return `| ${columns.map(cell).join(' | ')} |`;
}

export function preflightPage(): string {
  const head = [
    '| Check | Severity | Kinds | Looks at | Finds | Remedy | Source |',
    '| --- | --- | --- | --- | --- | --- | --- |',
  ];
  const sections = areas.map((area) => [`## ${area.title}`, '', ...head, ...area.checks.map(rowOf)].join('\n'));
  return `${[intro, ...sections].join('\n\n')}\n`;
}

export const writtenPage = (): string => readFileSync(path, 'utf8');

if (require.main === module) writeFileSync(path, preflightPage());
