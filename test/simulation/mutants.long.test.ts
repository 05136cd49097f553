import { mutants } from './mutants';
import { simulateMutants } from './run-command';

test('every deliberate fault of the product is caught by the seed that is known to catch it', async () => {
  const lines = await simulateMutants('--seeds', '1');
  const caught = lines.flatMap((line) => /^(\S+): caught by seed (\d+)/.exec(line)?.slice(1, 3).join(' ') ?? []);
  expect(caught.sort()).toEqual(mutants.map(({ name, caughtBy }) => `${name} ${caughtBy}`).sort());
}, 1_800_000);
