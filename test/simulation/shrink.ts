import type { Plan } from './plan';
import { runSeed, type SeedResult } from './run-seed';
import type { Templates } from './world/templates';

/** A seed is lived through at most so often while its schedule is shortened. */
const triesMax = 60;

/**
 * The shortest schedule found that breaks the same promise: faults are left out one after the other, as long as what is left still does.
 * Each fault draws from a stream of its own, so that leaving one out moves no other.
 */
export async function shrink(
  plan: Plan,
  found: SeedResult,
  templates: Templates,
): Promise<{ readonly plan: Plan; readonly result: SeedResult }> {
  const oracle = found.violations[0]?.oracle;
  let shortest = { plan, result: found };
  let tries = 0;
  for (let changed = true; changed && tries < triesMax;) {
    changed = false;
    for (const fault of shortest.plan.faults) {
      if (++tries > triesMax) break;
      const faults = shortest.plan.faults.filter((one) => one !== fault);
      const shorter = { ...shortest.plan, faults };
      const result = await runSeed(shorter, templates);
      if (!result.violations.some((one) => one.oracle === oracle)) continue;
      shortest = { plan: shorter, result };
      changed = true;
      break;
    }
  }
  return shortest;
}
