import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { shapeOf, well, writeOptions } from '../testing/disks';
import { NaiveVhdx } from '../testing/naive-vhdx';
import { SectorModel, firstWrongSector } from '../testing/sector-model';
import { createVhdx, openVhdx } from '.';
import { mib } from './numbers';

const folder = mkdtempSync(join(tmpdir(), 'hyperferry-kill-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Starts the guest, and kills it as soon as it said that this stamp is flushed. Answers the last stamp that it spoke of. */
async function killAfter(path: string, stamp: number): Promise<number> {
  const guest = spawn(process.execPath, [join(__dirname, '../testing/busy-guest.js'), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(guest, 'exit');
  let last = 0;
  for await (const line of createInterface({ input: guest.stdout })) {
    last = Number(line);
    if (last === stamp) guest.kill('SIGKILL');
  }
  await ended;
  return last;
}

/** What the guest does up to a stamp; of the round after it any part may have arrived. */
function modelUpTo(stamp: number, sectors: number): SectorModel {
  const model = new SectorModel(512);
  for (let round = 1; round <= stamp + 1; round++) {
    for (let time = 0; time < 5; time++) {
      const from = ((round * 5 + time) * 2551) % (sectors - 8);
      model.write(from, from + 8, round);
    }
    if (round <= stamp) model.flushed();
  }
  return model;
}

it('a guest that is killed finds all that it flushed, by a replay that two readers agree on', async () => {
  const stamp = 9;
  const path = join(folder, `${stamp}.vhdx`);
  await well(await createVhdx(path, shapeOf({ virtualSizeBytes: 32 * mib }), writeOptions())).close();
  const flushed = await killAfter(path, stamp);
  expect(flushed).toBeGreaterThanOrEqual(stamp);
  const left = readFileSync(path);
  const naive = new NaiveVhdx(left);
  expect(naive.logWasDirty).toBe(true);
  const model = modelUpTo(flushed, (32 * mib) / 512);
  const image = well(await openVhdx(path, { access: 'read' }));
  const disk = { read: image.read.bind(image), virtualSizeBytes: 32 * mib, images: [image] };
  expect(await firstWrongSector(disk, model, 'allowed')).toBeUndefined();
  const content = Buffer.alloc(32 * mib);
  await image.read(content, 0);
  const differs = [...model.touched()].filter((sector) => {
    const bytes = naive.sector(sector);
    return bytes === 'parent' || !bytes.equals(content.subarray(sector * 512, sector * 512 + 512));
  });
  expect(differs).toEqual([]);
  await image.close();
  expect(readFileSync(path).equals(left)).toBe(true);
});
