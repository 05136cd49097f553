import { spawnSync } from 'node:child_process';
import { assertSameDisk } from '../../../bench/bytes/images';
import { outputOf } from '../../../bench/programs';
import { describeThrown } from '../../../contracts/failure';

/** Says how two VHDX files differ as disks; undefined when they are the same disk. */
export type Judge = {
  readonly name: string;
  readonly differenceOf: (one: string, other: string) => Promise<string | undefined>;
};

/** Reads both disks whole with the product's own reader, and compares the bytes. */
export const ownReader: Judge = {
  name: 'own reader',
  differenceOf: async (one, other) => {
    try {
      await assertSameDisk(one, other);
      return undefined;
    } catch (thrown) {
      return describeThrown(thrown);
    }
  },
};

const qemuImg: Judge = {
  name: 'qemu-img compare',
  differenceOf: async (one, other) => {
    const ran = spawnSync('qemu-img', ['compare', '-f', 'vhdx', '-F', 'vhdx', one, other], { encoding: 'utf8' });
    return ran.status === 0 ? undefined : `${ran.stdout}${ran.stderr}`.trim() || `ended with ${ran.status}`;
  },
};

/** The judges that are there: the own reader always, and an independent one where it is installed. */
export const judges = (): readonly Judge[] =>
  outputOf('qemu-img', '--version') === undefined ? [ownReader] : [qemuImg, ownReader];

/** What the judges find. */
export async function differences(there: readonly Judge[], image: string, target: string): Promise<string[]> {
  const found: string[] = [];
  for (const { name, differenceOf } of there) {
    const difference = await differenceOf(image, target);
    if (difference !== undefined) found.push(`${name}: ${difference}`);
  }
  return found;
}
