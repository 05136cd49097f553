import { soak } from '../testing/soak';

/** More kills, and another seed, by the environment. */
const kills = Number(process.env['RUNTIME_SOAK_KILLS'] ?? 10);
const seed = Number(process.env['RUNTIME_SOAK_SEED'] ?? 20_271);

test(
  `after ${kills} kills at random moments nothing acknowledged is lost, doubled or wrong (seed ${seed})`,
  async () => {
    const report = await soak({
      kills,
      seed,
      log: (line) => {
        if (kills > 20) process.stdout.write(`${line}\n`);
      },
    });
    expect(report.faults).toEqual([]);
    expect(report.instances).toBeGreaterThan(kills);
    expect(report.activities).toBeGreaterThan(kills * 5);
  },
  60_000 + kills * 10_000,
);
