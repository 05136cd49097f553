import { hasItinerary, itineraries } from '../../../functions/orchestrators/kinds';
import { readGoldens, replayed } from './golden';
import { recorded, stories } from './stories';

// A run ends on the version of its itinerary that it began with. Where today's code decides otherwise on a recorded history, such a run
// would break in the middle: the change needs a new version of the itinerary, beside the old one (functions/orchestrators/kinds/index.ts).

const goldens = readGoldens();

test.each(goldens.map((one) => [one.file, one.golden] as const))(
  '%s: today’s code decides as the history has it',
  async (_file, { kind, itineraryVersion, generations }) => {
    // `npm run goldens` removes those of versions that are gone.
    expect({ kind, itineraryVersion, isThere: hasItinerary(kind, itineraryVersion) }).toMatchObject({ isThere: true });
    for (const generation of generations) expect(await replayed(generation)).toEqual(generation.decisions);
  },
);

test('every story of every kind has a golden of the version that new runs begin with; `npm run goldens` records one', () => {
  const wanted = stories.map(({ name, row }) => {
    const version = itineraries.find(({ kind }) => kind === row.kind)?.version;
    return `${name}, version ${version ?? 0}`;
  });
  const there = new Set(goldens.map(({ golden }) => `${golden.story}, version ${golden.itineraryVersion}`));
  expect(wanted.filter((one) => !there.has(one))).toEqual([]);
});

test('an itinerary that decides otherwise is found', async () => {
  const live = stories.find(({ name }) => name === 'live completes');
  if (live === undefined) throw new Error('live has a story');
  const [generation] = (await recorded(live)).generations;
  if (generation === undefined) throw new Error('a run has a generation');
  const other = JSON.stringify(generation.turn).replaceAll(/\\"kind\\":\\"live\\"/g, '\\"kind\\":\\"quick\\"');
  const asQuick = { ...generation, turn: JSON.parse(other) as typeof generation.turn };
  expect(asQuick.turn).not.toEqual(generation.turn);
  expect(await replayed(asQuick)).not.toEqual(generation.decisions);
});
