import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasItinerary } from '../../../functions/orchestrators/kinds';
import { goldensFolder, readGoldens } from './golden';
import { recorded, stories } from './stories';

// `npm run goldens`: records what is missing, and removes what no version of this app can replay. A file that is there is not written again:
// it says what an app decided that may have runs under way.

mkdirSync(goldensFolder, { recursive: true });

test('goldens of versions that this app does not have any more are removed', () => {
  for (const { file, golden } of readGoldens())
    if (!hasItinerary(golden.kind, golden.itineraryVersion)) rmSync(join(goldensFolder, file));
});

test.each(stories.map((story) => [story.name, story] as const))('%s', async (name, story) => {
  const golden = await recorded(story);
  const path = join(goldensFolder, `${name.replaceAll(' ', '-')}-v${golden.itineraryVersion}.json`);
  if (!existsSync(path)) writeFileSync(path, `${JSON.stringify(golden)}\n`);
});
