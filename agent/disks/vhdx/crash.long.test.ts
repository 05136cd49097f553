import { well, writeOptions } from '../testing/disks';
import { PowerLoss } from '../testing/memory-files';
import { NaiveVhdx } from '../testing/naive-vhdx';
import { expectRight, pathOf, powerLossTests, prepare, sizeFor, type Case } from '../testing/power-loss';
import { SeededRandom } from '../testing/random';
import { take, windowsOf } from '../testing/scripts';
import { soak } from '../testing/soak';
import { openVhdx } from '.';

const cases: Case[] = [
  { format: 'vhdx', kind: 'dynamic', sectorBytes: 512, tables: 'logged' },
  { format: 'vhdx', kind: 'dynamic', sectorBytes: 512, tables: 'ordered' },
  { format: 'vhdx', kind: 'differencing', sectorBytes: 512, tables: 'logged' },
  { format: 'vhdx', kind: 'differencing', sectorBytes: 512, tables: 'ordered' },
  { format: 'vhdx', kind: 'differencing', sectorBytes: 4096, tables: 'logged' },
  { format: 'vhdx', kind: 'differencing', sectorBytes: 4096, tables: 'ordered' },
  { format: 'vhdx', kind: 'fixed', sectorBytes: 4096, tables: 'logged' },
];

describe.each(cases)('$kind, sectors of $sectorBytes bytes, tables $tables', (one) => {
  powerLossTests(one, (file) => new NaiveVhdx(file));
});

describe('an interrupted opening', () => {
  it('replays again from the start, as often as it takes', async () => {
    const one: Case = { format: 'vhdx', kind: 'dynamic', sectorBytes: 512, tables: 'logged' };
    const windows = windowsOf(sizeFor(one), one.sectorBytes);
    const { files: dirty, model } = await prepare(one, windows);
    const image = well(await openVhdx(pathOf(one), writeOptions({ files: dirty, tables: 'logged' })));
    for (const window of windows)
      await take(image, model, { kind: 'write', from: window.from, to: window.from + 9 }, 3);
    await image.flush();
    model.flushed();
    dirty.losePower(new SeededRandom(1), 0);
    expect(new NaiveVhdx(dirty.bytesOf(pathOf(one))).logWasDirty).toBe(true);
    for (let seed = 0; seed < 8 * soak; seed++) {
      const files = dirty.copy();
      let losses = 0;
      for (; losses < 100; losses++) {
        files.operations = 0;
        files.powerLossAt = losses + 1;
        const options = writeOptions({ files, tables: 'logged' });
        const opened = await openVhdx(pathOf(one), options).catch((thrown: unknown) => thrown);
        if (!(opened instanceof PowerLoss)) break;
        files.losePower(new SeededRandom(100 * seed + losses), 0.5);
        await expectRight(one, files, model);
      }
      expect(losses).toBeGreaterThan(3);
      expect(new NaiveVhdx(files.bytesOf(pathOf(one))).logWasDirty).toBe(false);
    }
  });
});
