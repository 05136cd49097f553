import { appendFile, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempFolder } from '../../test/agent/temp-folder';
import { AppendError, encodeLine, RecordLog, type RecordUse } from './record-log';
import { DamagedLogError, lineBytesMax } from './record-scan';

type Numbered = { readonly number: number; readonly text: string };

const parse = (json: unknown): Numbered => {
  if (typeof json !== 'object' || json === null || !('number' in json) || !('text' in json))
    throw new Error('no record');
  if (typeof json.number !== 'number' || typeof json.text !== 'string') throw new Error('no record');
  return { number: json.number, text: json.text };
};

const collecting = (): { use: RecordUse<Numbered>; seen: Numbered[] } => {
  const seen: Numbered[] = [];
  return { seen, use: { parse, apply: (record) => seen.push(record) } };
};

const record = (number: number): Numbered => ({ number, text: 'ä\n'.repeat(number % 7) });

describe('record log', () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await tempFolder('record-log');
    path = join(folder, 'records.log');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const readAll = async (): Promise<Numbered[]> => {
    const { use, seen } = collecting();
    const { log } = await RecordLog.open(path, use);
    await log.close();
    return seen;
  };

  test('what was appended is read again in its order, by many appends at once as well', async () => {
    const { use, seen } = collecting();
    const { log } = await RecordLog.open(path, use);
    await log.append(record(1));
    await Promise.all(Array.from({ length: 200 }, (_, index) => log.append(record(index + 2))));
    await log.close();
    const expected = Array.from({ length: 201 }, (_, index) => record(index + 1));
    expect(seen).toEqual(expected);
    expect(await readAll()).toEqual(expected);
  });

  test('a last line that is torn at any byte is cut off, and the log goes on behind what was acknowledged', async () => {
    const good = Buffer.concat([encodeLine([JSON.stringify(record(1))]), encodeLine([JSON.stringify(record(2))])]);
    const last = encodeLine([JSON.stringify(record(3)), JSON.stringify(record(5))]);
    for (let length = 0; length < last.length; length += 1) {
      await writeFile(path, Buffer.concat([good, last.subarray(0, length)]));
      const { use, seen } = collecting();
      const { log, cutOffBytes } = await RecordLog.open(path, use);
      expect({ length, cutOffBytes, seen }).toEqual({ length, cutOffBytes: length, seen: [record(1), record(2)] });
      await log.append(record(4));
      await log.close();
      expect(await readAll()).toEqual([record(1), record(2), record(4)]);
    }
  });

  test('a last line whose pages were lost (zeros) or changed in any byte is cut off', async () => {
    const good = encodeLine([JSON.stringify(record(1))]);
    const last = encodeLine([JSON.stringify(record(6))]);
    for (let at = 0; at < last.length; at += 1) {
      const damaged = Buffer.from(last);
      damaged[at] = (damaged[at] ?? 0) ^ 0x01;
      for (const tail of [damaged, Buffer.concat([last.subarray(0, at), Buffer.alloc(last.length - at)])]) {
        await writeFile(path, Buffer.concat([good, tail]));
        expect(await readAll()).toEqual([record(1)]);
        expect(await readFile(path)).toEqual(good);
      }
    }
  });

  test('a damaged line with a good one behind it is refused, by its place, and the file is left as it is', async () => {
    const lines = [1, 2, 3].map((number) => encodeLine([JSON.stringify(record(number))]));
    const [first] = lines;
    const damaged = Buffer.concat(lines);
    damaged[first!.length + 12] = 0x7e;
    await writeFile(path, damaged);
    const opening = RecordLog.open(path, collecting().use);
    await expect(opening).rejects.toThrow(DamagedLogError);
    await expect(opening).rejects.toThrow(`at byte ${first!.length}`);
    expect(await readFile(path)).toEqual(damaged);
  });

  test('a tail without any line end, longer than a line may be, is cut off without being held in memory as a whole', async () => {
    const good = encodeLine([JSON.stringify(record(1))]);
    await writeFile(path, good);
    await appendFile(path, Buffer.alloc(lineBytesMax * 2 + 3, 0x61));
    expect(await readAll()).toEqual([record(1)]);
  });

  test('a record that could not be read again is not written', async () => {
    const { log } = await RecordLog.open<{ number: number; text: string }>(path, collecting().use);
    await expect(log.append({ number: Number.NaN, text: '' })).rejects.toThrow('no record');
    await expect(log.append({ number: 1, text: 'x'.repeat(lineBytesMax) })).rejects.toThrow(RangeError);
    await log.append(record(1));
    await log.close();
    expect(await readAll()).toEqual([record(1)]);
  });

  test('replacing keeps the appends that come meanwhile, and a rewrite that a crash left behind is dropped', async () => {
    const { use, seen } = collecting();
    const { log } = await RecordLog.open(path, use);
    for (let number = 1; number <= 20; number += 1) await log.append(record(number));
    const before = log.sizeBytes;
    const replaced = log.replace(() => seen.slice(-2));
    const appended = [21, 22].map((number) => log.append(record(number)));
    await Promise.all([replaced, ...appended]);
    expect(log.sizeBytes).toBeLessThan(before);
    await log.close();
    await writeFile(`${path}.new`, 'half a rewri');
    expect((await readAll()).map(({ number }) => number)).toEqual([19, 20, 21, 22]);
    await expect(readFile(`${path}.new`)).rejects.toThrow('ENOENT');
  });

  test('an append that the disk refuses is rejected as rolled back, and the next one succeeds', async () => {
    const { use, seen } = collecting();
    const { log } = await RecordLog.open(path, use);
    await log.append(record(1));
    const handle = await open(path, 'r');
    const prototype: unknown = Object.getPrototypeOf(handle);
    await handle.close();
    const refuse = jest
      .spyOn(prototype as { datasync: () => Promise<void> }, 'datasync')
      .mockRejectedValueOnce(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }));
    const refused = log.append(record(2));
    await expect(refused).rejects.toThrow(AppendError);
    await expect(refused).rejects.toMatchObject({ rolledBack: true });
    refuse.mockRestore();
    await log.append(record(3));
    await log.close();
    expect(seen).toEqual([record(1), record(3)]);
    expect(await readAll()).toEqual([record(1), record(3)]);
  });

  test('a log that could not be rolled back takes appends again when the disk does', async () => {
    const { use } = collecting();
    const { log } = await RecordLog.open(path, use);
    await log.append(record(1));
    const handle = await open(path, 'r');
    const prototype = Object.getPrototypeOf(handle) as { datasync: () => Promise<void>; truncate: () => Promise<void> };
    await handle.close();
    const broken = Object.assign(new Error('input/output error'), { code: 'EIO' });
    const sync = jest.spyOn(prototype, 'datasync').mockRejectedValueOnce(broken);
    const cut = jest.spyOn(prototype, 'truncate').mockRejectedValueOnce(broken).mockRejectedValueOnce(broken);
    await expect(log.append(record(2))).rejects.toMatchObject({ rolledBack: false });
    await expect(log.append(record(3))).rejects.toMatchObject({ rolledBack: true });
    sync.mockRestore();
    cut.mockRestore();
    await log.append(record(4));
    await log.close();
    expect(await readAll()).toEqual([record(1), record(4)]);
  });
});
