import { setTimeout } from 'node:timers/promises';
import { openVhdx } from '../vhdx';
import { newGuid, well, writeOptions } from './disks';
import { stampedRange } from './sector-model';

/**
 * A program for tests: writes to a VHDX without end, a few sectors in each of many blocks, and says after each flush which stamp was
 * flushed. Whoever starts it kills it.
 */
async function main(path: string): Promise<void> {
  const image = well(
    await openVhdx(path, writeOptions({ tables: 'logged', dataWriteId: 'new-at-first-write', newGuid })),
  );
  const sectors = image.shape.virtualSizeBytes / 512;
  for (let stamp = 1; ; stamp++) {
    for (let time = 0; time < 5; time++) {
      const from = ((stamp * 5 + time) * 2551) % (sectors - 8);
      await image.write(stampedRange(stamp, from, from + 8, 512), from * 512);
    }
    await image.flush();
    process.stdout.write(`${stamp}\n`);
    await setTimeout(5);
  }
}

const [path] = process.argv.slice(2);
if (path !== undefined) void main(path);
