import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { resentBytesMax } from '../../../contracts/limits';
import { seededRandom } from '../../../agent/disks/route/testing/random';
import { makeSoakImage } from './image';
import { differences, judges, type Judge } from './judge';
import { copyWithKills, type Kill } from './killed-copy';

export type SoakOptions = {
  readonly folder: string;
  readonly kills: number;
  readonly seed: number;
  /** Data of each disk, about. */
  readonly dataBytes: number;
  readonly say: (line: string) => void;
};

export type SoakCopy = {
  readonly image: string;
  readonly dataBytes: number;
  readonly kills: readonly Kill[];
  readonly sentAgainBytes: number;
  /** Why the copy failed, or how the disks differ. */
  readonly wrong: readonly string[];
};
export type SoakResult = {
  readonly seed: number;
  readonly judges: readonly string[];
  readonly copies: readonly SoakCopy[];
  /** Everything that must not be: empty, or the soak failed. */
  readonly wrong: readonly string[];
};

/** Kills of one copy, so that a kill meets a copy that was killed before. */
const killsOfCopyMax = 4;
/** Copies that end before their first kill, one after the other, before the soak gives up. */
const unkilledMax = 20;

/** Copies disk after disk, kills either end at random moments until the kills are spent, and has each copy judged. */
export async function soakBytes({ folder, kills, seed, dataBytes, say }: SoakOptions): Promise<SoakResult> {
  const random = seededRandom(seed);
  const there = judges();
  const copies: SoakCopy[] = [];
  let [killed, unkilled] = [0, 0];
  while (killed < kills && unkilled < unkilledMax) {
    const killsMax = Math.min(kills - killed, 1 + Math.floor(random() * killsOfCopyMax));
    const copy = await oneCopy(join(folder, `copy-${copies.length}`), { dataBytes, killsMax, random, there });
    copies.push(copy);
    killed += copy.kills.length;
    unkilled = copy.kills.length === 0 ? unkilled + 1 : 0;
    say(
      `copy ${copies.length}, ${copy.image}: ${killed} of ${kills} kills${copy.wrong.map((it) => `; WRONG: ${it}`).join('')}`,
    );
  }
  const wrong = copies.flatMap((copy, number) => copy.wrong.map((it) => `copy ${number + 1}: ${it}`));
  if (killed < kills) wrong.push(`${unkilledMax} copies in a row ended before anything was killed: take larger disks`);
  return { seed, judges: there.map(({ name }) => name), copies, wrong };
}

async function oneCopy(
  folder: string,
  given: { dataBytes: number; killsMax: number; random: () => number; there: readonly Judge[] },
): Promise<SoakCopy> {
  const [image, target] = [join(folder, 'source.vhdx'), join(folder, 'copy.vhdx')];
  await mkdir(folder, { recursive: true });
  try {
    const made = await makeSoakImage(image, given.dataBytes, given.random);
    const copied = await copyWithKills({ ...given, ...made, folder, image, target });
    const wrong = copied.failure === undefined ? await differences(given.there, image, target) : [copied.failure];
    for (const { end, sentAgainBytes } of copied.kills)
      if (sentAgainBytes > resentBytesMax) wrong.push(`a kill of the ${end} cost ${sentAgainBytes} bytes sent again`);
    const { kills, dataBytes, sentAgainBytes } = copied;
    return { image: made.description, dataBytes, kills, sentAgainBytes, wrong };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
