import type { MigrationRequest } from '../../contracts/migration';
import type { CheckOutcome, Concern, PreflightAnswer } from '../../contracts/preflight';
import { routeText } from './status';

type Told = Omit<Concern, 'fields'>;

/** One concern: what and how grave, then the remedy. */
const linesOf = ({ severity, outcome, checkId, message, remedy }: Told): string[] => [
  `  ${severity}${outcome === 'not-known' ? ', not known' : ''}: ${message} (${checkId})`,
  `    remedy: ${remedy}`,
];

/** Concerns as a status or a receipt tells them; nothing where there are none. */
export const concernLines = (concerns: readonly Told[], leftOut = 0): string[] => [
  ...(concerns.length === 0 ? [] : ['Preflight:', ...concerns.flatMap(linesOf)]),
  ...(leftOut === 0 ? [] : [`  and ${leftOut} more: the receipt has all`]),
];

const countText = (answer: PreflightAnswer): string => {
  const count = (wanted: CheckOutcome): number => answer.checks.filter(({ outcome }) => outcome === wanted).length;
  const told = [
    `${count('passed')} passed`,
    `${count('found')} found something`,
    `${count('not-known')} could not know`,
    `${count('skipped')} could not look`,
  ];
  return `${answer.checks.length - count('not-of-this-kind')} checks: ${told.join(', ')}`;
};

const verdictOf = ({ refusal }: PreflightAnswer): string => {
  if (refusal === null) return 'a run would begin';
  return refusal.retry === 'transient'
    ? 'a run would be refused, unless this passes in five minutes'
    : 'a run would be refused';
};

/** What preflight found, as a person reads it. */
export function preflightLines(request: MigrationRequest, answer: PreflightAnswer): string[] {
  const { vmId, kind } = request;
  const head = `VM ${vmId}, ${kind}, ${routeText(request)}: ${verdictOf(answer)}`;
  return [head, `  ${countText(answer)}`, ...answer.concerns.flatMap(linesOf)];
}
