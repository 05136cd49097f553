import { failureOf, type Failure } from '../../contracts/failure';
import { severities, type PreflightAnswer } from '../../contracts/preflight';
import { checks } from './checks';
import type { Situation } from './situation';

/** Judges a situation by every check. Pure: the same situation gives the same answer. */
export function runChecks(situation: Situation): PreflightAnswer {
  const judged = checks.map((one) => ({ checkId: one.id, ...one.judge(situation) }));
  const concerns = judged.flatMap(({ concern }) => concern ?? []);
  concerns.sort((one, other) => severities.indexOf(one.severity) - severities.indexOf(other.severity));
  return {
    schema: 1,
    refusal: refusalOf(judged.flatMap(({ failure }) => failure ?? [])),
    concerns,
    checks: judged.map(({ checkId, outcome }) => ({ checkId, outcome })),
  };
}

/** One failure for all that is critical, with the code of the first. It passes by itself only where all of it may. */
function refusalOf(failures: readonly Failure[]): Failure | null {
  const [first, ...others] = failures;
  if (first === undefined) return null;
  const retry = failures.every((failure) => failure.retry === 'transient') ? 'transient' : 'permanent';
  const message = failures.map((failure) => failure.message).join(' ');
  const remedy = others.length === 0 ? first.remedy : `${first.remedy ?? ''} There are ${others.length} more findings.`;
  return failureOf(first.code, { message, retry, effect: 'none', ...(remedy !== undefined && { remedy }) });
}
