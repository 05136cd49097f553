import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDisk } from '../../../agent/disks/chain';
import { createHost, createVm } from '../../../agent/hyperv/simulated';
import { blockOffsetBytes } from '../../../agent/hyperv/simulated/guest/geometry';
import { writeSavedState } from '../../../agent/hyperv/simulated/guest/saved-state-file';
import { stampBlock, stampBlockBytes } from '../../../agent/hyperv/simulated/guest/stamp';
import { layoutOf, livePath, mapVmPaths } from '../../../agent/hyperv/simulated/layout';
import { vmRecord, type VmRecord } from '../../../agent/hyperv/simulated/records';
import { hostId, runId, vmId } from '../../../contracts/ids';
import { systemClock } from '../../../agent/clock';
import { compareDisks, type Comparison } from './compare';
import { Witness } from './witness';

// Two hosts as they are after a move: the source kept, fenced and saved, and a destination whose guest has gone on.

const mib = 1024 * 1024;
const run = runId.parse('m1-r1');
const vm = vmId.parse('11111111-2222-4333-8444-555555555555');
const fence = 100;

let folder: string;
let source: string;
let destination: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hyperferry-compare-'));
  source = join(folder, 'a');
  destination = join(folder, 'b');
  await createHost(source);
  const made = await createVm(source, {
    name: 'web',
    seed: 1,
    vmId: vm,
    disks: [{ virtualSizeBytes: 8 * mib, dataBytes: mib }],
    guest: { workAreaBytes: 2 * mib, outskirtsBytes: mib },
    state: 'off',
  });
  if (!made.ok) throw new Error(made.failure.message);
  const saved = join(source, 'volumes', 'vms', 'saved.vmrs');
  const memory = { sequence: fence, lastWriteAtMs: 0, flushedSequence: fence, disks: [] };
  const sizeBytes = await writeSavedState(saved, vm, memory, mib);
  const state = { path: saved, sizeBytes, savedAt: '2026-08-01T00:00:00.000Z', runId: run };
  changeRecord(source, (record) => ({ ...record, fencedBy: run, retiredBy: run, state: 'saved', savedState: state }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fileOf = (host: string): string => layoutOf(host).vmFile(vm);
const readRecord = (host: string): VmRecord => vmRecord.parse(JSON.parse(readFileSync(fileOf(host), 'utf8')));
function changeRecord(host: string, change: (record: VmRecord) => VmRecord): void {
  writeFileSync(fileOf(host), JSON.stringify(change(readRecord(host))));
}

/** The destination anew, as a copy of the source; then `change` writes to its disk. */
async function arrive(
  change: (write: (data: Uint8Array, at: number) => Promise<void>) => Promise<void>,
): Promise<void> {
  rmSync(destination, { recursive: true, force: true });
  cpSync(source, destination, { recursive: true });
  const startedBy = { runId: run, startedAt: '2026-08-01T00:00:01.000Z' };
  changeRecord(destination, (record) => ({ ...record, fencedBy: null, retiredBy: null, state: 'running', startedBy }));
  const record = mapVmPaths(readRecord(destination), livePath(layoutOf(destination)));
  const disk = await openDisk(record.disks[0]?.path ?? '', {
    access: 'write',
    tables: 'ordered',
    dataWriteId: 'kept',
    newGuid: () => '00000000-0000-4000-8000-000000000009',
    roots: [destination],
  });
  if (!disk.ok) throw new Error(disk.failure.message);
  await change((data, at) => disk.value.write(data, at));
  await disk.value.flush();
  await disk.value.close();
}

const compared = (): Promise<Comparison> =>
  compareDisks({
    runId: run,
    vmId: vm,
    sourceFolder: source,
    destinationFolder: destination,
    scratchFolder: folder,
  });

function writeOfGuest(block: number, sequence: number): Buffer {
  const content = Buffer.alloc(stampBlockBytes);
  stampBlock(content, { seed: readRecord(source).guest.seed, disk: 0, block }, sequence);
  return content;
}

describe('the comparison', () => {
  test('finds equal disks equal', async () => {
    await arrive(async () => undefined);
    const result = await compared();
    expect(result).toMatchObject({ bytesRead: 16 * mib, writtenSinceFence: 0, lostAt: [] });
    expect(result.qemu?.identical ?? true).toBe(true);
  });

  test('knows what the guest wrote after the fence by its stamp', async () => {
    await arrive((write) => write(writeOfGuest(7, fence + 1), blockOffsetBytes(7)));
    const result = await compared();
    expect(result).toMatchObject({ writtenSinceFence: 1, lostAt: [] });
    expect(result.qemu?.identical ?? true).toBe(true);
  });

  test.each([
    ['a write from before the fence in the place of another', () => writeOfGuest(7, fence), blockOffsetBytes(7)],
    ['a later write at the wrong place', () => writeOfGuest(8, fence + 1), blockOffsetBytes(7)],
    ['a later write with one bit changed', () => flipped(writeOfGuest(7, fence + 1)), blockOffsetBytes(7)],
    ['foreign bytes', () => Buffer.alloc(stampBlockBytes, 0x5a), 6 * mib],
    ['a stamp outside of where the guest writes', () => writeOfGuest(1, fence + 1), 6 * mib],
  ])('calls %s a loss', async (_what, content, at) => {
    await arrive((write) => write(content(), at));
    const result = await compared();
    expect(result.lostAt).toContain(at);
    expect(result.qemu?.identical ?? false).toBe(false);
  });

  test('is refused when the source is not the one of the run', async () => {
    await arrive(async () => undefined);
    await expect(
      compareDisks({
        ...{ vmId: vm, sourceFolder: source, destinationFolder: destination, scratchFolder: folder },
        runId: runId.parse('other-r1'),
      }),
    ).rejects.toThrow('not fenced by other-r1');
  });
});

const flipped = (content: Buffer): Buffer => {
  content.writeUInt8(content.readUInt8(1000) ^ 1, 1000);
  return content;
};

describe('the witness', () => {
  const look = (states: readonly [Partial<VmRecord> | null, Partial<VmRecord> | null]): string[] => {
    const record = readRecord(source);
    const hosts = states.map((state, index) => {
      const hostFolder = join(folder, `witness-${index}`);
      rmSync(hostFolder, { recursive: true, force: true });
      mkdirSync(layoutOf(hostFolder).vmFolder(vm), { recursive: true });
      if (state !== null)
        writeFileSync(
          layoutOf(hostFolder).vmFile(vm),
          JSON.stringify({ ...record, fencedBy: null, retiredBy: null, ...state }),
        );
      return { hostId: hostId.parse(`host-${index}`), folder: hostFolder };
    });
    const witness = new Witness({ hosts, fabricFolder: join(folder, 'fabric') }, vm, systemClock);
    witness.look();
    return witness.violations.map(({ what }) => what);
  };

  test('is content with one host that can start the VM and one that holds it', () => {
    expect(look([{ state: 'saved', fencedBy: run }, { state: 'running' }])).toEqual([]);
    expect(look([{ state: 'saved', fencedBy: run, retiredBy: run }, { state: 'off' }])).toEqual([]);
    expect(look([null, { state: 'running' }])).toEqual([]);
    expect(look([{ state: 'saved', fencedBy: run }, null])).toEqual([]);
  });

  test('sees a VM that could start on both, and one that is nowhere', () => {
    expect(look([{ state: 'saved' }, { state: 'running' }])).toEqual(['could start on host-0 and host-1']);
    expect(look([{ state: 'off' }, { state: 'saved' }])).toEqual(['could start on host-0 and host-1']);
    expect(look([null, null])).toEqual(['was registered nowhere']);
  });

  test('counts a VM that was handed over as the other host’s, and one on its way as registered', () => {
    const job = '6f9619ff-8b86-4011-b42d-00c04fc964ff';
    const handover = join(folder, 'fabric', 'handovers', vm, job);
    const end = (name: string): void => {
      rmSync(handover, { recursive: true, force: true });
      mkdirSync(handover, { recursive: true });
      writeFileSync(join(handover, `${name}.json`), '{}');
    };
    end('ready');
    expect(look([{ state: 'running', leaving: job }, { state: 'running' }])).toHaveLength(1);
    end('committed');
    expect(look([{ state: 'running', leaving: job }, { state: 'running' }])).toEqual([]);
    expect(look([{ state: 'running', leaving: job }, null])).toEqual([]);
    expect(look([null, null])).toEqual([]);
    end('withdrawn');
    expect(look([null, null])).toEqual(['was registered nowhere']);
    rmSync(join(folder, 'fabric'), { recursive: true, force: true });
  });
});
