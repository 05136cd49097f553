import { codeOf, well } from './testing/disks';
import { MemoryFiles } from './testing/memory-files';
import { SeededRandom } from './testing/random';
import { createRaw, openRaw } from './raw';

const path = '/memory.bin';

it('is one extent of data as long as the file, of any length, and has no identity', async () => {
  const files = new MemoryFiles();
  files.put(path, Buffer.from('1234567'));
  const image = well(await openRaw(path, 'read', files));
  expect([...image.extents()]).toEqual([{ offsetBytes: 0, lengthBytes: 7, kind: 'data' }]);
  expect([...image.extents(2, 5)]).toEqual([{ offsetBytes: 2, lengthBytes: 3, kind: 'data' }]);
  expect([...image.extents(7)]).toEqual([]);
  const bytes = Buffer.alloc(3);
  await image.read(bytes, 4);
  expect(bytes.toString()).toBe('567');
  expect(image.shape).toMatchObject({ virtualSizeBytes: 7, dataWriteId: '00000000-0000-0000-0000-000000000000' });
});

it('keeps what was flushed, and zeros over what was there', async () => {
  const files = new MemoryFiles();
  const image = well(await createRaw(path, 10, files));
  await image.write(Buffer.from('abcdefghij'), 0);
  await image.writeZeros(3, 4);
  await image.flush();
  await image.write(Buffer.from('lost'), 0);
  files.losePower(new SeededRandom(1), 0);
  expect(files.bytesOf(path).toString('latin1')).toBe('abc\0\0\0\0hij');
});

it('refuses to write past its end, and to make a file that is there', async () => {
  const files = new MemoryFiles();
  const image = well(await createRaw(path, 10, files));
  await expect(image.write(Buffer.alloc(4), 8)).rejects.toThrow(RangeError);
  await expect(image.writeZeros(8, 4)).rejects.toThrow(RangeError);
  await expect(image.read(Buffer.alloc(4), 8)).rejects.toThrow(RangeError);
  expect(codeOf(await createRaw(path, 1, files))).toBe('DestinationOccupied');
  expect(codeOf(await openRaw('/gone', 'read', files))).toBe('IoFailed');
});

it('an empty file holds nothing', async () => {
  const files = new MemoryFiles();
  files.put(path, Buffer.alloc(0));
  expect([...well(await openRaw(path, 'read', files)).extents()]).toEqual([]);
});
