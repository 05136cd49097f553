import { seededRandom } from '../../../agent/disks/route/testing/random';
import { Strikes } from './strikes';

const commands = Array.from({ length: 400 }, (_, at) => ({ command: `command-${at}`, isLook: at % 4 !== 0 }));

async function struck(seed: number, kills: number): Promise<{ strikes: Strikes; kills: number; asked: number }> {
  const strikes = new Strikes(kills, seededRandom(seed));
  const asked = await strikes.during(async () =>
    commands.map(({ command, isLook }) => strikes.at(command, isLook)).filter((when) => when !== undefined),
  );
  return { strikes, kills: asked.kills.length, asked: asked.done.length };
}

test('a run meets kills, and no more than lets it come to its end', async () => {
  const { strikes, kills, asked } = await struck(1, 100);
  expect(kills).toBe(12);
  expect(asked).toBe(kills);
  expect(strikes.left).toBe(88);
});

test('no more is killed than was asked for', async () => {
  const { strikes, kills } = await struck(1, 5);
  expect([kills, strikes.left]).toEqual([5, 0]);
  expect((await strikes.during(async () => commands.map(({ command }) => strikes.at(command, false)))).kills).toEqual(
    [],
  );
});

test('nothing is killed between runs', async () => {
  const strikes = new Strikes(100, seededRandom(1));
  await expect(strikes.during(() => Promise.reject(new Error('the run could not be followed')))).rejects.toThrow('run');
  expect(commands.map(({ command, isLook }) => strikes.at(command, isLook)).filter(Boolean)).toEqual([]);
});

test('a seed tells what is killed', async () => {
  const at = async (seed: number) => {
    const strikes = new Strikes(100, seededRandom(seed));
    return (await strikes.during(async () => commands.map(({ command, isLook }) => strikes.at(command, isLook)))).kills;
  };
  expect(await at(1)).toEqual(await at(1));
  expect(await at(1)).not.toEqual(await at(2));
});
