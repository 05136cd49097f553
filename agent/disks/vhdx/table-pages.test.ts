import { MemoryFiles } from '../testing/memory-files';
import { pageBytes, TablePages } from './table-pages';

const path = '/table';

async function tableOf(pages: number, bytesMax: number): Promise<{ files: MemoryFiles; pages: TablePages }> {
  const files = new MemoryFiles();
  files.put(path, Buffer.from(Array.from({ length: pages }, (_, page) => [...Buffer.alloc(pageBytes, page)]).flat()));
  return { files, pages: new TablePages(await files.open(path, 'write'), bytesMax) };
}

it('holds no more pages than it may, and reads again what it let go', async () => {
  const { files, pages } = await tableOf(8, 3 * pageBytes);
  for (let round = 0; round < 3; round++)
    for (let page = 0; page < 8; page++) expect(pages.now(page * pageBytes + 5).bytes[5]).toBe(page);
  const readsBefore = files.calls.length;
  expect(readsBefore).toBe(24);
  pages.now(7 * pageBytes);
  expect(files.calls.length).toBe(readsBefore);
});

it('keeps what is newer than the file until it was written', async () => {
  const { pages } = await tableOf(8, 2 * pageBytes);
  const changed = pages.now(0);
  changed.bytes[4100] = 77;
  pages.changed(changed, 4100, 1);
  for (let page = 1; page < 8; page++) pages.now(page * pageBytes);
  expect(pages.now(0).bytes[4100]).toBe(77);
  const batch = pages.take();
  expect(batch.sectors.map((sector) => [sector.offsetBytes, sector.bytes[4]])).toEqual([[4096, 77]]);
  expect(pages.changedPages).toBe(0);
  for (let page = 1; page < 8; page++) pages.now(page * pageBytes);
  expect(pages.now(0).bytes[4100]).toBe(77);
  pages.settle(batch);
  for (let round = 0; round < 2; round++) for (let page = 1; page < 8; page++) pages.now(page * pageBytes);
  expect(pages.now(0).bytes[4100]).toBe(0);
});

it('takes a copy: what changes after is of the next batch', async () => {
  const { pages } = await tableOf(1, pageBytes);
  const page = pages.now(0);
  page.bytes[0] = 1;
  pages.changed(page, 0, 1);
  const first = pages.take();
  page.bytes[0] = 2;
  pages.changed(page, 0, 1);
  expect(first.sectors[0]?.bytes[0]).toBe(1);
  expect(pages.take().sectors[0]?.bytes[0]).toBe(2);
});

it('reads a page once, however many ask for it at the same time', async () => {
  const { files, pages } = await tableOf(4, 4 * pageBytes);
  await Promise.all([pages.ensure(0, 4 * pageBytes), pages.ensure(100, 200), pages.ensure(pageBytes, 2 * pageBytes)]);
  expect(files.calls.length).toBe(4);
  expect(pages.ensure(0, 4 * pageBytes)).toBeUndefined();
});

it('what was read at once and changed is not replaced by a slower read of the same page', async () => {
  const { pages } = await tableOf(1, pageBytes);
  const slow = pages.ensure(0, 1);
  const page = pages.now(0);
  page.bytes[0] = 9;
  pages.changed(page, 0, 1);
  await slow;
  expect(pages.now(0).bytes[0]).toBe(9);
});
