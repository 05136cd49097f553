import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { valueOf } from '../../agent/disks/failures';
import { createVhdx, openVhdx } from '../../agent/disks/vhdx';
import { gib, mib } from '../bytes/images';
import { outputOf, run } from '../programs';
import { spreadOf, type Spread } from '../statistics';

/** The command and its peer, from the start of the process to its end. */
export type InfoLine = {
  readonly name: string;
  readonly seconds: Spread;
  /** `qemu-img info`, or why there is none. */
  readonly qemuImg: Spread | string;
};

const rounds = 5;
const writing = { tables: 'ordered', dataWriteId: 'kept', newGuid: randomUUID } as const;
const cli = join(__dirname, '..', '..', 'cli', 'main.js');

/** `disk info` of the largest disk that a VHDX can hold, and of a chain of 50. */
export async function benchInfo(folder: string): Promise<InfoLine[]> {
  const largest = join(folder, 'largest.vhdx');
  await makeLargest(largest);
  const last = await makeChain(folder, 50);
  return [
    await infoLine('disk info of a dynamic VHDX of 64 TiB, 64 blocks of it written', largest, 'qemu-img'),
    await infoLine('disk info of a chain of 50', last, 'none'),
  ];
}

async function infoLine(name: string, path: string, peer: 'qemu-img' | 'none'): Promise<InfoLine> {
  const own: number[] = [];
  const qemu: number[] = [];
  const isInstalled = outputOf('qemu-img', '--version') !== undefined;
  for (let round = 0; round < rounds; round++) {
    own.push(await secondsOf(process.execPath, cli, 'disk', 'info', path, '--json'));
    if (peer === 'qemu-img' && isInstalled) qemu.push(await secondsOf('qemu-img', 'info', path));
  }
  const why = peer === 'none' ? 'qemu-img opens no differencing VHDX' : 'qemu-img is not installed';
  return { name, seconds: spreadOf(own), qemuImg: qemu.length === 0 ? why : spreadOf(qemu) };
}

async function secondsOf(program: string, ...args: readonly string[]): Promise<number> {
  const beganMs = performance.now();
  await run(program, ...args);
  return (performance.now() - beganMs) / 1000;
}

async function makeLargest(path: string): Promise<void> {
  const virtualSizeBytes = 64 * 1024 * gib;
  const blocks = 64;
  const image = valueOf(await createVhdx(path, { ...shape('dynamic'), virtualSizeBytes }, writing));
  for (let n = 0; n < blocks; n++) await image.write(Buffer.alloc(mib, n + 1), (virtualSizeBytes / blocks) * n);
  await image.close();
}

/** Answers the path of the last image. */
async function makeChain(folder: string, length: number): Promise<string> {
  let path = join(folder, 'chain-1.vhdx');
  await (await made(path, shape('dynamic'))).close();
  for (let n = 2; n <= length; n++) {
    const parent = valueOf(await openVhdx(path, { access: 'read' }));
    const { dataWriteId } = parent.shape;
    await parent.close();
    const relativePath = `chain-${n - 1}.${n === 2 ? 'vhdx' : 'avhdx'}`;
    path = join(folder, `chain-${n}.avhdx`);
    const child = await made(path, { ...shape('differencing'), parent: { dataWriteId, relativePath } });
    await child.write(Buffer.alloc(mib, n), n * mib);
    await child.close();
  }
  return path;
}

const made = async (path: string, of: Parameters<typeof createVhdx>[1]) => valueOf(await createVhdx(path, of, writing));

const shape = <Kind extends 'dynamic' | 'differencing'>(kind: Kind) => ({
  kind,
  virtualSizeBytes: gib,
  blockSizeBytes: 32 * mib,
  logicalSectorSizeBytes: 512 as const,
  physicalSectorSizeBytes: 4096 as const,
  virtualDiskId: randomUUID(),
  dataWriteId: randomUUID(),
});
