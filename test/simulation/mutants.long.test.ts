import { mutants } from './mutants';
import { simulateMutants } from './run-command';

test('at least ten deliberate faults of the product are each caught by a known seed', async () => {
  const lines = await simulateMutants('--seeds', '1');
  const caught = lines.flatMap((line) => /^(\S+): caught by seed (\d+)/.exec(line)?.slice(1, 3).join(' ') ?? []);
  const known = mutants.flatMap(({ name, caughtBy }) => (caughtBy === null ? [] : [`${name} ${caughtBy}`]));
  expect(known.length).toBeGreaterThanOrEqual(10);
  expect(caught.sort()).toEqual(known.sort());
}, 1_800_000);
