import { randomBytes } from 'node:crypto';
import { describeThrown } from '../../../contracts/failure';
import type { Case, Place } from './case';
import { runCase, type Outcome } from './run-case';
import type { Targets } from './targets/target';

export type Verdict = Outcome | { readonly kind: 'left out'; readonly reason: string };

/** Runs the cases against a target, side by side as far as they allow it. Returns a verdict for each. */
export async function runCases(cases: readonly Case[], targets: Targets): Promise<Map<Case, Verdict>> {
  const verdicts = new Map<Case, Verdict>();
  // Instances of an earlier run may still be there.
  const run = randomBytes(3).toString('hex');
  const ids = new Map(cases.map((conformance, index) => [conformance, `c${run}-${index}`]));
  const one = async (conformance: Case): Promise<void> => {
    verdicts.set(conformance, await verdictOn(conformance, ids.get(conformance) ?? '', targets));
  };
  const queue = cases.filter((conformance) => conformance.isAlone !== true);
  const lane = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await one(next);
  };
  await Promise.all(Array.from({ length: targets.casesMax }, lane));
  for (const conformance of cases.filter(({ isAlone }) => isAlone === true)) await one(conformance);
  return verdicts;
}

/** Why a case cannot run in a place. */
export function reasonAgainst({ except, lasts }: Case, place: Place): string | undefined {
  return lasts !== undefined && place === 'azure' ? `takes ${lasts} of real time` : except?.[place];
}

async function verdictOn(conformance: Case, instanceId: string, targets: Targets): Promise<Verdict> {
  const reason = reasonAgainst(conformance, targets.place);
  if (reason !== undefined) return { kind: 'left out', reason };
  const target = await targets.for(conformance);
  try {
    return await runCase(conformance, instanceId, target);
  } catch (thrown) {
    return { kind: 'red', reason: describeThrown(thrown) };
  } finally {
    await targets.done(target);
  }
}
