import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mib } from '../../../agent/disks/route/testing/hosts';
import { seededRandom } from '../../../agent/disks/route/testing/random';
import { tableOf } from '../../../bench/table';
import { startAzurite } from '../../azurite';
import { makeSoakImage } from './image';
import { differences, judges } from './judge';
import { stageWithKills, type StagedEnd } from './killed-staging';
import type { SoakOptions } from './soak';

export type StagedSoakResult = {
  readonly seed: number;
  readonly judges: readonly string[];
  readonly copies: readonly {
    readonly image: string;
    readonly dataBytes: number;
    readonly kills: readonly StagedEnd[];
    readonly attempts: number;
    readonly resentBytes: number;
  }[];
  /** Everything that must not be: empty, or the soak failed. */
  readonly wrong: readonly string[];
};

const killsOfCopyMax = 4;
const unkilledMax = 20;

/** Copies disk after disk over the staged route, kills sources, destinations and Azurite until the kills are spent, and judges each copy. */
export async function soakStaged({ folder, kills, seed, dataBytes, say }: SoakOptions): Promise<StagedSoakResult> {
  const random = seededRandom(seed);
  const there = judges();
  const azurite = await startAzurite();
  const copies: StagedSoakResult['copies'][number][] = [];
  const wrong: string[] = [];
  let [killed, unkilled] = [0, 0];
  try {
    while (killed < kills && unkilled < unkilledMax && wrong.length === 0) {
      const own = join(folder, `copy-${copies.length}`);
      await mkdir(own, { recursive: true });
      const [image, target] = [join(own, 'source.vhdx'), join(own, 'copy.vhdx')];
      const made = await makeSoakImage(image, dataBytes, random);
      const killsMax = Math.min(kills - killed, 1 + Math.floor(random() * killsOfCopyMax));
      const container = `soak-${seed}-${copies.length}`;
      const copied = await stageWithKills({ azurite, container, image, target, killsMax, random });
      const differ = copied.wrong.length > 0 ? copied.wrong : await differences(there, image, target);
      wrong.push(...differ.map((it) => `copy ${copies.length + 1}: ${it}`));
      const { kills: ofCopy, attempts, resentBytes } = copied;
      copies.push({ image: made.description, dataBytes: made.dataBytes, kills: ofCopy, attempts, resentBytes });
      killed += ofCopy.length;
      unkilled = ofCopy.length === 0 ? unkilled + 1 : 0;
      say(
        `copy ${copies.length}, ${made.description}: ${killed} of ${kills} kills, ${attempts} attempts${differ.map((it) => `; WRONG: ${it}`).join('')}`,
      );
      await rm(own, { recursive: true, force: true });
    }
  } finally {
    await azurite.stop();
  }
  if (killed < kills && wrong.length === 0)
    wrong.push(`${unkilledMax} copies in a row ended before anything was killed: take larger disks`);
  return { seed, judges: there.map(({ name }) => name), copies, wrong };
}

const ends: readonly StagedEnd[] = ['source', 'destination', 'storage'];

/** The result for people. */
export function describeStagedSoak({ seed, judges: by, copies, wrong }: StagedSoakResult): string {
  const kills = copies.flatMap((copy) => copy.kills);
  const rows = ends.map((end) => [end, String(kills.filter((one) => one === end).length)]);
  const dataBytes = copies.reduce((sum, copy) => sum + copy.dataBytes, 0);
  const attempts = copies.reduce((sum, copy) => sum + copy.attempts, 0);
  return [
    tableOf(['killed with kill -9', 'kills'], rows),
    `seed ${seed}: ${copies.length} disks, ${Math.round(dataBytes / mib)} MiB of data, ${kills.length} kills, ${attempts} attempts`,
    `each copy compared with its source by ${by.join(' and ')}: ${wrong.length === 0 ? 'all the same' : 'NOT all well'}`,
    ...wrong.map((it) => `WRONG ${it}`),
  ].join('\n');
}
