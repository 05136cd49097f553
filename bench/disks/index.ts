import { gib } from '../bytes/images';
import { benchDelta, type DeltaResult } from './delta';
import { benchInfo, type InfoLine } from './info';
import { benchKill, type KillResult } from './kill';
import { benchSparse, type SparseResult } from './sparse';

export type DisksResult = {
  readonly info: readonly InfoLine[];
  readonly delta: DeltaResult;
  readonly kills: readonly KillResult[];
  readonly sparse: SparseResult;
};

/** What huge disks, long chains, small changes and a process that is killed cost. */
export async function benchDisks(folder: string, say: (line: string) => void): Promise<DisksResult> {
  say('disk info of huge disks and long chains');
  const info = await benchInfo(folder);
  say('a delta of 1 %');
  const delta = await benchDelta(folder, 2 * gib, say);
  say('a kill of either end at half of a copy');
  const kills = await benchKill(folder, gib);
  say('a disk of 1 TiB with 4 GiB of data');
  return { info, delta, kills, sparse: await benchSparse(folder) };
}
