import * as real from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Draw } from './chance';
import { done, type FileAct, type FileFate } from './file-fates';
import { Loop } from './loop';
import { MachineFiles } from './machine-files';
import { Program, runIn } from './program';

const machine = (fateOf: (act: FileAct) => FileFate = () => done): MachineFiles =>
  new MachineFiles({
    loop: new Loop(0),
    draw: new Draw(1, 'files'),
    syncMsMax: 0,
    fateOf,
    namesChanged: () => undefined,
    written: () => undefined,
  });

/** What both have in common. Each answers what it did, so that one can be held against the other. */
type Files = Pick<
  typeof real,
  'open' | 'readFile' | 'rename' | 'rm' | 'rmdir' | 'mkdir' | 'readdir' | 'stat' | 'realpath'
>;
type Act = (files: Files, folder: string) => Promise<unknown>;

const inOrder =
  (...acts: Act[]): Act =>
  async (files, folder) => {
    const answers: unknown[] = [];
    for (const act of acts) {
      answers.push(
        await act(files, folder).catch((thrown: unknown) => ({ code: (thrown as NodeJS.ErrnoException).code })),
      );
    }
    return answers;
  };

const write =
  (name: string, text: string, flags = 'w'): Act =>
  async (files, folder) => {
    const handle = await files.open(join(folder, name), flags);
    await handle.writeFile(text);
    await handle.sync();
    await handle.close();
  };
const read =
  (name: string): Act =>
  (files, folder) =>
    files.readFile(join(folder, name), 'utf8');
const names: Act = async (files, folder) => (await files.readdir(folder)).sort();

const claims: readonly (readonly [claim: string, act: Act])[] = [
  [
    'what is written is read back, and a second opening for writing empties it',
    inOrder(write('a', 'one'), read('a'), write('a', 'x'), read('a')),
  ],
  [
    'a file that is there is not made again by wx',
    inOrder(write('a', 'one', 'wx'), write('a', 'two', 'wx'), read('a')),
  ],
  [
    'r and r+ make nothing',
    inOrder(write('a', 'x', 'r+'), (files, folder) => files.open(join(folder, 'a'), 'r'), names),
  ],
  [
    'bytes behind the end read zero once something stands behind them, and a truncation cuts',
    inOrder(async (files, folder) => {
      const handle = await files.open(join(folder, 'a'), 'wx+');
      await handle.write(Buffer.from('abc'), 0, 3, 20_000);
      await handle.truncate(20_002);
      const into = Buffer.alloc(10, 0xff);
      const { bytesRead } = await handle.read(into, 0, 10, 19_995);
      const { size } = await handle.stat();
      await handle.close();
      return [bytesRead, into.toString('hex'), size];
    }),
  ],
  [
    'a rename takes the place of a file',
    inOrder(
      write('a', 'new'),
      write('b', 'old'),
      (files, folder) => files.rename(join(folder, 'a'), join(folder, 'b')),
      read('b'),
      names,
    ),
  ],
  ['a rename of nothing fails', inOrder((files, folder) => files.rename(join(folder, 'a'), join(folder, 'b')))],
  [
    'folders: made with their parents, not removed while they hold something, not removed as files',
    inOrder(
      async (files, folder) => (await files.mkdir(join(folder, 'x', 'y'), { recursive: true }))?.replace(folder, ''),
      async (files, folder) => files.mkdir(join(folder, 'x', 'y'), { recursive: true }),
      (files, folder) => files.mkdir(join(folder, 'x')),
      (files, folder) => files.mkdir(join(folder, 'p', 'q')),
      (files, folder) => files.rmdir(join(folder, 'x')),
      (files, folder) => files.rmdir(join(folder, 'x', 'y')),
      (files, folder) => files.rmdir(join(folder, 'nowhere')),
      names,
    ),
  ],
  [
    'removing: what is not there only by force, a folder only with all that is in it',
    inOrder(
      (files, folder) => files.rm(join(folder, 'a')),
      (files, folder) => files.rm(join(folder, 'a'), { force: true }),
      (files, folder) => files.mkdir(join(folder, 'x')),
      write('x/a', '1'),
      (files, folder) => files.rm(join(folder, 'x'), { recursive: true }),
      names,
    ),
  ],
  [
    'facts: length and sort; of what is not there the code of the system',
    inOrder(
      write('a', '12345'),
      async (files, folder) => {
        const facts = await files.stat(join(folder, 'a'));
        return [facts.size, facts.isFile(), facts.isDirectory()];
      },
      (files, folder) => files.stat(join(folder, 'b')),
      (files, folder) => files.realpath(join(folder, 'b')),
      (files, folder) => files.readdir(join(folder, 'a')),
      read('a/b'),
    ),
  ],
];

test.each(claims)('on a simulated machine as on a real one: %s', async (_claim, act) => {
  const folder = await real.mkdtemp(join(await real.realpath(tmpdir()), 'hyperferry-files-'));
  try {
    const files = machine();
    await files.mkdir('/here');
    expect(await act(files as unknown as Files, '/here')).toEqual(await act(real, folder));
  } finally {
    await real.rm(folder, { recursive: true });
  }
});

describe('a power loss', () => {
  const lose = (files: MachineFiles, keep: boolean): void =>
    files.tree.losePower(
      () => keep,
      (changes) => (keep ? changes : 0),
    );

  async function written(files: MachineFiles, synced: boolean): Promise<void> {
    const handle = await files.open('/a', 'wx+');
    await handle.writeFile('first');
    await handle.sync();
    const folder = await files.open('/', 'r');
    await folder.sync();
    await handle.write(Buffer.from('other'), 0, 5, 0);
    if (synced) await handle.sync();
  }

  test.each([
    [false, false, 'first'],
    [true, false, 'other'],
    [false, true, 'other'],
  ])('bytes that were flushed (%p) or luckily kept (%p) are there', async (synced, keep, text) => {
    const files = machine();
    await written(files, synced);
    lose(files, keep);
    expect(await files.readFile('/a', 'utf8')).toBe(text);
  });

  test('a name whose folder was not flushed is gone, and a removed file is back', async () => {
    const files = machine();
    await written(files, true);
    await files.open('/b', 'wx');
    await files.rm('/a');
    lose(files, false);
    expect(await files.readdir('/')).toEqual(['a']);
    expect(await files.readFile('/a', 'utf8')).toBe('other');
  });
});

test('a program that dies in the middle of a write leaves whole sectors of it at most, and does nothing more', async () => {
  const files = machine((act) => (act.kind === 'write' ? { kind: 'dies' } : done));
  const program = new Program('dies', 1);
  let wentOn = false;
  const writing = runIn(program, async () => {
    const handle = await files.open('/a', 'wx+');
    await handle.writeFile(Buffer.alloc(4096, 1));
    wentOn = true;
  });
  await Promise.race([writing, new Promise((resolve) => setImmediate(resolve))]);
  expect([wentOn, program.isAlive]).toEqual([false, false]);
  expect(Number((await files.stat('/a')).size) % 512).toBe(0);
});
