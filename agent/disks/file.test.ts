import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskError, ioError } from './failures';
import { nodeFiles } from './file';

const folder = mkdtempSync(join(tmpdir(), 'hyperferry-file-'));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const codeOfThrown = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing thrown',
    (thrown: unknown) => (thrown instanceof DiskError ? thrown.failure.code : 'another error'),
  );

it('reads what it wrote, waiting or at once, and knows how long it is', async () => {
  const file = await nodeFiles.create(at('a'));
  await file.write(Buffer.from('hello'), 3);
  expect(file.sizeBytes).toBe(8);
  await file.resize(20);
  await file.sync();
  await nodeFiles.syncFolderOf(at('a'));
  const [waiting, now] = [Buffer.alloc(10), Buffer.alloc(10)];
  await file.read(waiting, 0);
  file.readNow(now, 0);
  expect(waiting.toString('latin1')).toBe('\0\0\0hello\0\0');
  expect(now.equals(waiting)).toBe(true);
  await file.close();
  expect(readFileSync(at('a')).length).toBe(20);
});

it('a read past the end is a truncated file, not fewer bytes', async () => {
  writeFileSync(at('short'), 'abc');
  const file = await nodeFiles.open(at('short'), 'read');
  expect(await codeOfThrown(file.read(Buffer.alloc(4), 0))).toBe('DiskTruncated');
  expect(() => file.readNow(Buffer.alloc(4), 0)).toThrow(DiskError);
  await file.close();
});

it('trouble of the system has a name', async () => {
  writeFileSync(at('there'), 'abc');
  expect(await codeOfThrown(nodeFiles.open(at('gone'), 'read'))).toBe('IoFailed');
  expect(await codeOfThrown(nodeFiles.create(at('there')))).toBe('DestinationOccupied');
  const file = await nodeFiles.open(at('there'), 'read');
  expect(await codeOfThrown(file.write(Buffer.from('x'), 0))).toBe('IoFailed');
  await file.close();
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC' });
  expect(ioError(full, 'writing', at('there'), 'unknown').failure).toMatchObject({
    code: 'DiskFull',
    effect: 'unknown',
  });
  const tooLarge = Object.assign(new Error('too large'), { code: 'EFBIG' });
  expect(ioError(tooLarge, 'writing', at('there'), 'applied').failure).toMatchObject({
    code: 'NotEnoughRoom',
    retry: 'permanent',
    effect: 'applied',
  });
  expect(ioError('odd', 'writing', at('there'), 'none').failure).toMatchObject({ code: 'IoFailed', effect: 'none' });
});

it('follows links, and says when nothing is there', async () => {
  writeFileSync(at('real'), '');
  symlinkSync(at('real'), at('link'));
  expect(await nodeFiles.realPath(at('link'))).toBe(await nodeFiles.realPath(at('real')));
  expect(await nodeFiles.realPath(at('nothing'))).toBeUndefined();
  expect(await nodeFiles.realPath(at('real/below'))).toBeUndefined();
});
