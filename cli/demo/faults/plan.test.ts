import { seededRandom } from '../../../relay/random';
import { killsOfRound, momentsOfRound, victims, victimSequence, type Moment, type PhaseTimes } from './plan';

const times: PhaseTimes = [
  { name: 'place', ms: 100 },
  { name: 'copy-base', ms: 10_000 },
  { name: 'cutover', ms: 200 },
];

describe('the plan of kills', () => {
  test('is the same for the same seed, and another for another', () => {
    const planned = (seed: number): Moment[] => momentsOfRound(seededRandom(seed), 5, times, 0);
    expect(planned(1)).toEqual(planned(1));
    expect(planned(1)).not.toEqual(planned(2));
  });

  test('takes every victim as often as the others', () => {
    const sequence = victimSequence(seededRandom(3));
    const counts = new Map<string, number>();
    for (let kill = 0; kill < victims.length * 20; kill += 1) {
      const victim = sequence.next().value;
      counts.set(victim, (counts.get(victim) ?? 0) + 1);
    }
    expect(victims.map((victim) => counts.get(victim))).toEqual(victims.map(() => 20));
  });

  test('comes to short phases as well as to long ones, in their order, and never later than they last', () => {
    const chance = seededRandom(4);
    const hits = new Map<string, number>();
    for (let round = 0; round < 200; round += 1) {
      const moments = momentsOfRound(chance, 4, times, 0);
      const places = moments.map((moment) => (moment.type === 'phase' ? moment.index * 1e6 + moment.delayMs : -1));
      expect(places).toEqual([...places].sort((one, other) => one - other));
      for (const moment of moments) {
        if (moment.type !== 'phase') throw new Error('a known run is planned by its phases');
        expect(moment.delayMs).toBeLessThanOrEqual(times[moment.index]!.ms);
        hits.set(moment.name, (hits.get(moment.name) ?? 0) + 1);
      }
    }
    for (const { name } of times) expect(hits.get(name)).toBeGreaterThan(80);
  });

  test('spreads over the expected time while no run is known', () => {
    const moments = momentsOfRound(seededRandom(5), 100, [], 20_000);
    expect(moments.every((moment) => moment.type === 'elapsed' && moment.ms < 20_000)).toBe(true);
    expect(new Set(moments.map((moment) => (moment.type === 'elapsed' ? Math.floor(moment.ms / 5000) : -1))).size).toBe(
      4,
    );
  });

  test('never takes more kills than are left', () => {
    const chance = seededRandom(6);
    for (let left = 1; left < 10; left += 1) {
      const count = killsOfRound(chance, left);
      expect(count).toBeGreaterThan(0);
      expect(count).toBeLessThanOrEqual(Math.min(left, 5));
    }
  });
});
