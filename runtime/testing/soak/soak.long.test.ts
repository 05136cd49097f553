import { soak } from './soak';

/** More kills, and another seed, by the environment; `npm run soak:runtime` has a table and a progress line. */
const kills = Number(process.env['RUNTIME_SOAK_KILLS'] ?? 10);
const seed = Number(process.env['RUNTIME_SOAK_SEED'] ?? 20_271);

test(
  `after ${kills} kills at random moments nothing acknowledged is lost, doubled or wrong (seed ${seed})`,
  async () => {
    const report = await soak({ kills, seed, onKill: () => undefined });
    expect(report.faults).toEqual([]);
    expect(report.instances).toBeGreaterThan(kills);
    expect(report.completedActivities).toBeGreaterThan(kills * 5);
  },
  60_000 + kills * 10_000,
);
