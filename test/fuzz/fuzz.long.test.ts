import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { SeededRandom } from '../../agent/disks/testing/random';
import { projectRoot } from '../project-root';
import { fuzzInput, type Target } from './input';
import { allTargets, targetNames } from './targets';

const folder = join(projectRoot, 'test', 'fuzz', 'found');
const kept = z.object({ target: z.string(), why: z.string(), input: fuzzInput });
let targets: readonly Target[];
beforeAll(async () => {
  targets = await allTargets();
});

it('every target has its name in the list', () => {
  expect(targets.map(({ name }) => name).sort()).toEqual([...targetNames].sort());
});

it.each([...targetNames])('%s: random inputs end as they should', async (name) => {
  const target = targets.find((one) => one.name === name)!;
  for (let index = 0; index < 150; index++) await target.run(target.make(new SeededRandom(index)));
});

const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [];
(files.length > 0 ? describe : describe.skip)('what fuzzing found once stays mended', () => {
  it.each(files)('%s', async (name) => {
    const { target, input } = kept.parse(JSON.parse(readFileSync(join(folder, name), 'utf8')));
    await targets.find((one) => one.name === target)!.run(input);
  });
});
