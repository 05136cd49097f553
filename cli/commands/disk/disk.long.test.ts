import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createImage, openImage, type ImageFormat } from '../../../agent/disks/open-image';
import { chainImagesMax } from '../../../contracts/limits';
import type { ImageShape } from '../../../agent/disks/image';
import { newGuid, nowMs, shapeOf, well, writeOptions } from '../../../agent/disks/testing/disks';
import { exitCodes } from '../../exit';
import { runInProcess } from '../../testing/in-process';
import { startCli } from '../../testing/run-cli';

const mib = 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), 'hyperferry-disk-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

const run = (...args: string[]) => runInProcess(['disk', ...args]);
/** Runs a disk command that has to end well, and answers its document. */
async function documentOf(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await run(...args, '--json');
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code ?? ''}: ${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}

async function make(name: string, change: Partial<ImageShape>, ...writes: [offset: number, value: number][]) {
  const format: ImageFormat = name.endsWith('vhd') ? 'vhd' : 'vhdx';
  const dataWriteId = newGuid();
  const shape = shapeOf({ virtualSizeBytes: 8 * mib, dataWriteId, virtualDiskId: dataWriteId, ...change });
  const image = well(await createImage(format, at(name), shape, { ...writeOptions(), nowMs }));
  for (const [offset, value] of writes) await image.write(Buffer.alloc(4096, value), offset);
  await image.close();
  return image.shape;
}

async function chain(...names: string[]): Promise<void> {
  let parent: { name: string; id: string } | undefined;
  for (const [level, name] of names.entries()) {
    const link = parent && { dataWriteId: parent.id, relativePath: parent.name };
    const change: Partial<ImageShape> = link ? { kind: 'differencing', parent: link } : {};
    const { dataWriteId } = await make(name, change, [(level % 7) * mib, level + 1], [7 * mib, level + 1]);
    parent = { name, id: dataWriteId };
  }
}

describe('looking at a disk', () => {
  it('info tells each image of a chain of both formats, base first', async () => {
    await chain('i0.vhd', 'i1.avhdx', 'i2.avhd');
    const { images } = await documentOf('info', at('i2.avhd'));
    expect(images).toMatchObject([
      { path: at('i0.vhd'), format: 'vhd', kind: 'dynamic', creator: 'win' },
      { path: at('i1.avhdx'), format: 'vhdx', kind: 'differencing', log: 'empty', creator: 'hyperferry' },
      { path: at('i2.avhd'), format: 'vhd', kind: 'differencing', footers: { end: 'intact', copy: 'intact' } },
    ]);
    expect((await run('info', at('i2.avhd'))).stdout).toContain('a chain of 3 images');
  });

  it('map tells which image holds what', async () => {
    await chain('m0.vhdx', 'm1.avhdx');
    const { stdout } = await run('map', at('m1.avhdx'), '--json');
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { offsetBytes: 0, lengthBytes: mib, kind: 'data', imageIndex: 0 },
      { offsetBytes: mib, lengthBytes: 4096, kind: 'data', imageIndex: 1 },
      { offsetBytes: 7 * mib, lengthBytes: 4096, kind: 'data', imageIndex: 1 },
      { offsetBytes: 7 * mib + 4096, lengthBytes: mib - 4096, kind: 'data', imageIndex: 0 },
    ]);
    expect((await run('map', at('m1.avhdx'))).stdout).toContain('2.0 MiB of data on a disk of 8.0 MiB');
  });

  it('check explains that a log must be replayed, that a copy is lost, and what is damaged', async () => {
    const shape = await make('log.vhdx', {});
    const image = well(await openImage(at('log.vhdx'), writeOptions({ tables: 'logged' })));
    await image.write(Buffer.alloc(4096, 5), 0);
    await image.flush();
    // What a killed guest leaves behind: the file as it is before the image is closed.
    writeFileSync(at('left.vhdx'), readFileSync(at('log.vhdx')));
    await image.close();
    expect((await run('check', at('left.vhdx'))).stdout).toContain('its log must be replayed');
    const before = readFileSync(at('left.vhdx'));
    const bytes = Buffer.from(before);
    bytes.fill(0xaa, 64 * 1024, 64 * 1024 + 64);
    writeFileSync(at('left.vhdx'), bytes);
    const torn = await run('check', at('left.vhdx'));
    expect(torn).toMatchObject({ code: exitCodes.done.code });
    expect(torn.stdout).toContain('one of the two headers is damaged');
    expect(readFileSync(at('left.vhdx')).equals(bytes)).toBe(true);
    bytes.fill(0xaa, 128 * 1024, 128 * 1024 + 64);
    writeFileSync(at('left.vhdx'), bytes);
    const damaged = await run('check', at('left.vhdx'));
    expect(damaged).toMatchObject({ code: exitCodes.damaged.code });
    expect(damaged.stdout).toMatch(/damage: .*neither of its two headers is intact[^]*remedy: /u);
    expect(shape.virtualSizeBytes).toBe(8 * mib);
  });

  it('check says which link of a chain is broken', async () => {
    await chain('b0.vhdx', 'b1.avhdx');
    const image = well(await openImage(at('b0.vhdx'), writeOptions({ dataWriteId: 'new-at-first-write' })));
    await image.write(Buffer.alloc(512, 1), 0);
    await image.close();
    const checked = await run('check', at('b1.avhdx'));
    expect(checked).toMatchObject({ code: exitCodes.damaged.code });
    expect(checked.stdout).toMatch(/chain: .*b0\.vhdx was written to since/u);
  });

  it('a parent outside of the roots is not opened', async () => {
    await make('outside.vhdx', {});
    const { parent: _ } = await make('inside.avhdx', {
      kind: 'differencing',
      parent: { dataWriteId: newGuid(), absolutePath: '/etc/hostname' },
    });
    const refused = await run('info', at('inside.avhdx'));
    expect(refused).toMatchObject({ code: exitCodes.refused.code });
    expect(refused.stderr).toMatch(/outside of the allowed roots[^]*--root/u);
  });
});

describe('making disks', () => {
  it('convert makes every format of every other, all of them equal and of one digest', async () => {
    await chain('c0.vhd', 'c1.avhdx', 'c2.avhdx');
    const { merkleRoot } = await documentOf('digest', at('c2.avhdx'));
    let source = at('c2.avhdx');
    const targets = ['whole.vhdx', 'whole.vhd', 'whole.raw', 'again.vhd', 'again.vhdx', 'again.img'];
    for (const [index, name] of targets.entries()) {
      const kind = index % 2 === 0 ? 'dynamic' : 'fixed';
      await documentOf('convert', source, at(name), '--kind', kind);
      expect(await documentOf('compare', at('c2.avhdx'), at(name))).toMatchObject({ result: 'equal' });
      expect(await documentOf('digest', at(name))).toMatchObject({ merkleRoot });
      expect(existsSync(at(`${name}.partial`)) || existsSync(at(`${name}.partial.json`))).toBe(false);
      source = at(name);
    }
  });

  it('copy keeps kind, ids and parent, and what is zero over a parent stays zero', async () => {
    await chain('k0.vhdx', 'k1.avhdx');
    const top = well(await openImage(at('k1.avhdx'), writeOptions()));
    await top.writeZeros(0, mib);
    await top.close();
    await documentOf('copy', at('k1.avhdx'), at('k1-copy.avhdx'));
    const copied = well(await openImage(at('k1-copy.avhdx'), { access: 'read' }));
    expect(copied.shape).toEqual(top.shape);
    await copied.close();
    expect(await documentOf('compare', at('k1.avhdx'), at('k1-copy.avhdx'))).toMatchObject({ result: 'equal' });
  });

  it('merge takes all of a chain into an image further down in one pass, across formats', async () => {
    await chain('g0.vhd', 'g1.avhdx', 'g2.avhd', 'g3.avhdx');
    await documentOf('convert', at('g3.avhdx'), at('g.raw'));
    const merged = await documentOf('merge', at('g3.avhdx'), '--into', at('g1.avhdx'));
    expect(merged).toMatchObject({ into: at('g1.avhdx'), merged: [at('g2.avhd'), at('g3.avhdx')] });
    expect(await documentOf('compare', at('g1.avhdx'), at('g.raw'))).toMatchObject({ result: 'equal' });
    await documentOf('merge', at('g1.avhdx'));
    expect(await documentOf('compare', at('g0.vhd'), at('g.raw'))).toMatchObject({ result: 'equal' });
  });

  it('resize makes a disk larger, and compare then names where the shorter one ends', async () => {
    await make('small.vhdx', {}, [0, 1]);
    await documentOf('copy', at('small.vhdx'), at('large.vhdx'));
    await documentOf('resize', at('large.vhdx'), '1TiB');
    const compared = await run('compare', at('small.vhdx'), at('large.vhdx'), '--json');
    expect(compared).toMatchObject({ code: exitCodes.different.code });
    expect(JSON.parse(compared.stdout)).toMatchObject({ result: 'different', offsetBytes: 8 * mib, second: 0 });
  });

  it('compare names the first byte that differs', async () => {
    await make('x.vhdx', {}, [3 * mib, 9]);
    await make('y.vhd', {}, [3 * mib, 9]);
    const y = well(await openImage(at('y.vhd'), writeOptions()));
    const sector = Buffer.alloc(512, 9);
    sector[77] = 0x0a;
    await y.write(sector, 3 * mib + 1024);
    await y.close();
    const { code, stdout } = await run('compare', at('x.vhdx'), at('y.vhd'));
    expect(code).toBe(exitCodes.different.code);
    expect(stdout).toContain(`different from byte ${3 * mib + 1024 + 77} on: 0x09 and 0x0a`);
  });

  it.each([
    [['convert', 'x.vhdx', 'nothing'], exitCodes.badInput.code, '--format'],
    [['convert', 'x.vhdx', 'z.vhd', '--block-size', '3MiB'], exitCodes.badInput.code, 'blocks of 3145728 bytes'],
    [['resize', 'x.vhdx', 'large'], exitCodes.badInput.code, 'unit'],
    [['resize', 'x.vhdx', '1MiB'], exitCodes.badInput.code, 'not made smaller'],
    [['copy', 'x.vhdx', 'y.vhd'], exitCodes.refused.code, 'is there already'],
    [['merge', 'x.vhdx'], exitCodes.damaged.code, 'not below it'],
    [['digest', 'missing.vhdx'], exitCodes.refused.code, 'is not there'],
  ] as [string[], number, string][])('%j is refused by name', async ([command = '', ...args], code, what) => {
    const named = args.map((arg) => (arg.includes('.v') || arg === 'nothing' ? at(arg) : arg));
    const ended = await run(command, ...named);
    expect(ended.code).toBe(code);
    expect(ended.stderr).toContain(what);
    expect(ended.stderr).toContain('remedy');
  });
});

describe('a copy that is stopped', () => {
  const size = 260 * mib;
  const source = at('big.vhdx');
  const watermarkOf = (target: string): number =>
    existsSync(`${target}.partial.json`)
      ? (JSON.parse(readFileSync(`${target}.partial.json`, 'utf8')) as { watermarkBytes: number }).watermarkBytes
      : 0;

  beforeAll(async () => {
    await make('big.vhdx', { virtualSizeBytes: size });
    const image = well(await openImage(source, writeOptions()));
    for (let at = 0; at < size; at += mib) await image.write(Buffer.alloc(mib, 1 + ((at / mib) % 255)), at);
    await image.close();
  });

  /** Starts a copy and stops it as soon as a watermark stands. */
  async function stopped(target: string, signal: 'SIGKILL' | 'SIGINT', ...command: string[]) {
    const copying = startCli(['disk', ...command, source, target]);
    while (watermarkOf(target) === 0 && copying.child.exitCode === null) await setTimeout(2);
    copying.child.kill(signal);
    return copying.ended;
  }

  it.each([
    ['copy', 'killed.vhdx'],
    ['convert', 'killed.vhd'],
    ['convert', 'killed.raw'],
  ])('by kill -9 goes on from its watermark: %s to %s', async (command, name) => {
    await stopped(at(name), 'SIGKILL', command);
    expect(existsSync(at(name))).toBe(false);
    const { resumedFromBytes, dataBytes } = await documentOf(command, source, at(name));
    expect(resumedFromBytes).toBeGreaterThan(0);
    expect(dataBytes).toBe(size - Number(resumedFromBytes));
    expect(await documentOf('compare', source, at(name))).toMatchObject({ result: 'equal' });
    rmSync(at(name));
  });

  it('by Ctrl-C ends with 130, says how to go on, and goes on', async () => {
    const ended = await stopped(at('stopped.vhdx'), 'SIGINT', 'copy');
    expect(ended).toMatchObject({ code: exitCodes.interrupted.code });
    expect(ended.stderr).toContain('Run the same command again');
    expect((await documentOf('copy', source, at('stopped.vhdx')))['resumedFromBytes']).toBeGreaterThan(0);
    expect(await documentOf('compare', source, at('stopped.vhdx'))).toMatchObject({ result: 'equal' });
    rmSync(at('stopped.vhdx'));
  });

  it('does not go on with a source that has changed, or with another kind of target', async () => {
    await stopped(at('other.vhd'), 'SIGKILL', 'convert');
    const otherKind = await run('convert', source, at('other.vhd'), '--kind', 'fixed');
    expect(otherKind).toMatchObject({ code: exitCodes.refused.code });
    utimesSync(source, new Date(), new Date());
    const changed = await run('convert', source, at('other.vhd'));
    expect(changed).toMatchObject({ code: exitCodes.refused.code });
    expect(changed.stderr).toMatch(/SourceChanged[^]*Remove .*other\.vhd\.partial/u);
  });

  it('does not touch a partial file that no copy began', async () => {
    writeFileSync(at('mine.vhdx.partial'), 'mine');
    expect(await run('copy', source, at('mine.vhdx'))).toMatchObject({ code: exitCodes.refused.code });
    expect(readFileSync(at('mine.vhdx.partial'), 'utf8')).toBe('mine');
  });
});

it('a chain of 50 images opens, each of them found by the one above it', async () => {
  const names = Array.from({ length: 50 }, (_, index) => `n${index}.${index % 2 === 0 ? 'avhdx' : 'avhd'}`);
  await chain('n.vhdx', ...names.slice(1));
  expect(names.length).toBeLessThan(chainImagesMax);
  const { images } = await documentOf('info', at('n49.avhd'));
  expect(images).toHaveLength(50);
  expect((await documentOf('check', at('n49.avhd')))['chain']).toBeNull();
});
