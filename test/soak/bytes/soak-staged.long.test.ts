import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mib } from '../../../agent/disks/route/testing/hosts';
import { describeStagedSoak, soakStaged } from './soak-staged';

test('copies over the staged route are the disks that they are of, though either agent and Azurite are killed at random moments', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hyperferry-soak-'));
  try {
    const result = await soakStaged({ folder, kills: 5, seed: 11, dataBytes: 48 * mib, say: () => undefined });
    expect(result.wrong).toEqual([]);
    expect(result.copies.flatMap(({ kills }) => kills).length).toBe(5);
    expect(describeStagedSoak(result)).toContain('all the same');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 600_000);
