import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileDurably } from '../files';
import { filesBelow, readJson, removeDurably, writeJsonAtomic } from './files';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hyperferry-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const schema = z.object({ count: z.int() });

test('a file whose writing fails half way keeps its old content and leaves nothing beside it', async () => {
  const path = join(folder, 'state.json');
  await writeJsonAtomic(path, { count: 1 });
  function* failing() {
    yield '{"count":';
    throw new Error('no more');
  }
  await expect(writeFileDurably(path, failing())).rejects.toThrow('no more');
  expect(await readJson(path, schema)).toEqual({ state: 'read', value: { count: 1 } });
  expect(await readdir(folder)).toEqual(['state.json']);
});

test.each([
  ['not JSON', '{'],
  ['of another schema', '{"count":"many"}'],
  ['empty', ''],
  ['far too long', `{"count":${' '.repeat(9 * 1024 * 1024)}1}`],
])('a state file that is %s is damaged, not an exception', async (_what, text) => {
  const path = join(folder, 'state.json');
  await writeFile(path, text);
  expect(await readJson(path, schema)).toMatchObject({ state: 'damaged' });
});

test('a state file that is not there is absent', async () => {
  expect(await readJson(join(folder, 'a', 'b.json'), schema)).toEqual({ state: 'absent' });
});

test('a state file that another removes while it is read was there or is absent, nothing else', async () => {
  const path = join(folder, 'state.json');
  let rounds = 0;
  const other = (async () => {
    for (; rounds < 300; rounds++) {
      await writeFile(`${path}.new`, '{"count":1}');
      await rename(`${path}.new`, path);
      await rm(path);
    }
  })();
  const states = new Set<string>();
  while (rounds < 300)
    for (const read of await Promise.all(Array.from({ length: 8 }, () => readJson(path, schema))))
      states.add(read.state);
  await other;
  expect([...states].filter((state) => state === 'damaged')).toEqual([]);
});

test('removing what is gone already is fine', async () => {
  const path = join(folder, 'deep', 'file.json');
  await writeJsonAtomic(path, { count: 1 });
  expect((await filesBelow(folder)).map((file) => file.path)).toEqual([path]);
  await removeDurably(join(folder, 'deep'));
  await removeDurably(join(folder, 'deep'));
  expect(await filesBelow(folder)).toEqual([]);
  await expect(readFile(path)).rejects.toThrow();
});

test('a folder that another writes into while it is removed goes all the same', async () => {
  for (let round = 0; round < 20; round++) {
    const shared = join(folder, `shared-${round}`);
    await mkdir(shared);
    await writeFile(join(shared, 'offer.json'), '{}');
    const removed = removeDurably(shared);
    for (let n = 0; n < 30; n++) await writeFile(join(shared, `answer-${n}`), '{}').catch(() => undefined);
    await removed;
  }
  expect(await readdir(folder)).toEqual([]);
});
