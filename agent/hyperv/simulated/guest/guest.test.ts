import { MemoryDisk } from '../../../../test/simulated/memory-disk';
import { settle, StepClock } from '../../../../test/simulated/step-clock';
import { diskId } from '../../../../contracts/ids';
import type { GuestSettings } from '../records';
import { blockOffsetBytes } from './geometry';
import { Guest } from './guest';
import type { GuestMemory } from './memory';
import { stampBlock, stampBlockBytes } from './stamp';

const mib = 1024 ** 2;
const settings: GuestSettings = {
  seed: 42,
  writeBytesPerSecond: mib,
  workAreaBytes: mib,
  outskirtsBytes: mib,
  flushEveryMs: 500,
  savedStateBytes: 0,
};

function setUp(disks = [new MemoryDisk(8 * mib)]) {
  const clock = new StepClock();
  const outages: number[] = [];
  const broken: number[] = [];
  const start = (memory?: GuestMemory, changed: Partial<GuestSettings> = {}) =>
    new Guest({
      settings: { ...settings, ...changed },
      disks: disks.map((disk, index) => ({ diskId: diskId.parse(`scsi-0-${index}`), disk })),
      clock,
      memory,
      onOutage: (outageMs) => outages.push(outageMs),
      onDiskBroken: () => broken.push(clock.now()),
      log: () => undefined,
    });
  return { disk: disks[0]!, disks, clock, outages, broken, start };
}

/** The first block of the first disk that the guest knows the content of. */
const knownBlock = (memory: GuestMemory): number => memory.disks[0]!.table.findIndex((sequence) => sequence > 0);

test('a guest writes at its pace, in 4 KiB to 64 KiB, and flushes now and then', async () => {
  const { disk, clock, start } = setUp();
  const guest = start();
  await clock.pass(4000);
  const memory = await guest.stop();
  expect(guest.heartbeat).toBe('ok');
  expect(disk.writes).toBeGreaterThan((4 * mib) / (64 * 1024));
  expect(disk.writes).toBeLessThan((4 * mib) / (8 * 1024));
  expect(disk.flushes).toBeGreaterThanOrEqual(8);
  expect(memory?.sequence).toBe(disk.writes);
});

test('a guest whose rate is 0 writes nothing and lives', async () => {
  const { disk, clock, start } = setUp();
  const guest = start(undefined, { writeBytesPerSecond: 0, flushEveryMs: 60_000 });
  await clock.pass(2000);
  expect(guest.heartbeat).toBe('ok');
  await guest.stop();
  expect(disk.writes).toBe(0);
});

test('a guest that is started from its memory on the same disks has a heartbeat and measures its outage', async () => {
  const { clock, outages, start } = setUp([new MemoryDisk(8 * mib), new MemoryDisk(4 * mib)]);
  const first = start();
  await clock.pass(3000);
  const memory = await first.stop();
  const lastWriteAtMs = memory!.lastWriteAtMs!;
  await clock.pass(7000);
  const second = start(memory);
  await settle();
  expect(second.heartbeat).toBe('ok');
  expect(outages).toEqual([clock.now() - lastWriteAtMs]);
  expect(second.outageMs).toBe(outages[0]);
  await clock.pass(1000);
  expect(outages).toHaveLength(1);
  await second.stop();
});

test.each(['one sector is older', 'two sectors changed places', 'one bit is wrong'])(
  'a guest hangs when %s on the disk than its memory says',
  async (what) => {
    const { disk, clock, start } = setUp();
    const first = start();
    await clock.pass(3000);
    const memory = await first.stop();
    const block = knownBlock(memory!);
    const at = blockOffsetBytes(block);
    const sector = disk.content.subarray(at, at + 512);
    const next = disk.content.subarray(at + 512, at + 1024);
    if (what === 'one bit is wrong') sector[300]! ^= 4;
    else if (what === 'two sectors changed places') {
      const kept = Buffer.from(sector);
      sector.set(next);
      next.set(kept);
    } else {
      const older = new Uint8Array(stampBlockBytes);
      const { sequence } = memory!;
      stampBlock(older, { seed: settings.seed, disk: 0, block }, sequence > 1 ? 1 : 2);
      sector.set(older.subarray(0, 512));
    }
    const writes = disk.writes;
    const second = start(memory);
    await clock.pass(3000);
    expect(second.heartbeat).toBe('lost');
    await second.stop();
    expect(disk.writes).toBe(writes);
  },
);

test('a guest that boots cold learns from its disk what it must hold', async () => {
  const { clock, start } = setUp();
  const first = start();
  await clock.pass(3000);
  const known = await first.stop();
  const second = start(undefined, { writeBytesPerSecond: 0, flushEveryMs: 60_000 });
  await clock.pass(100);
  expect(second.heartbeat).toBe('ok');
  const learned = await second.stop();
  expect(learned!.disks[0]!.table).toEqual(known!.disks[0]!.table);
});

describe('after a power loss', () => {
  /** A disk on which the guest wrote, with the first sector of one block left from another write. */
  async function torn(sequenceOf: (memory: GuestMemory) => number) {
    const set = setUp();
    const first = set.start();
    await set.clock.pass(2000);
    const memory = await first.stop();
    const block = memory!.disks[0]!.table.findIndex(
      (sequence, index) => index > 0 && sequence > 0 && sequence < memory!.flushedSequence,
    );
    const other = new Uint8Array(stampBlockBytes);
    stampBlock(other, { seed: settings.seed, disk: 0, block }, sequenceOf(memory!));
    set.disk.content.set(other.subarray(0, 512), blockOffsetBytes(block));
    return { ...set, block };
  }

  test('a block torn by a write that was not flushed is written anew', async () => {
    const { clock, start, block } = await torn((memory) => memory.sequence + 9);
    const guest = start();
    await clock.pass(100);
    expect(guest.heartbeat).toBe('ok');
    const memory = await guest.stop();
    expect(memory!.disks[0]!.table[block]).toBeGreaterThan(0);
    const again = start(memory);
    await clock.pass(100);
    expect(again.heartbeat).toBe('ok');
    await again.stop();
  });

  test('a block torn although it was flushed long ago is damage: the guest hangs', async () => {
    const { clock, start } = await torn(() => 1);
    const guest = start();
    await clock.pass(3000);
    expect(guest.heartbeat).toBe('lost');
    await guest.stop();
  });
});

test('a guest whose writes fail stalls, goes on when they work again, and still knows what its disk holds', async () => {
  const { disk, clock, start } = setUp();
  const first = start();
  await clock.pass(1000);
  disk.failing = true;
  const before = disk.writes;
  await clock.pass(3000);
  expect(disk.writes).toBe(before);
  disk.failing = false;
  await clock.pass(2000);
  expect(disk.writes).toBeGreaterThan(before);
  const memory = await first.stop();
  const second = start(memory);
  await clock.pass(100);
  expect(second.heartbeat).toBe('ok');
  await second.stop();
});

test('nothing is written while a guest stands still', async () => {
  const { disk, clock, start } = setUp();
  const guest = start();
  await clock.pass(1000);
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const standing = guest.quiesced(() => promise);
  await settle();
  const before = disk.writes;
  await clock.pass(2000);
  expect(disk.writes).toBe(before);
  resolve(undefined);
  await standing;
  await clock.pass(1000);
  expect(disk.writes).toBeGreaterThan(before);
  await guest.stop();
});

test('a disk too small to write to does no harm', async () => {
  const { clock, start } = setUp([new MemoryDisk(mib)]);
  const guest = start();
  await clock.pass(1000);
  expect(guest.heartbeat).toBe('ok');
  await guest.stop();
});

test('a guest whose disk cannot be flushed says so, and can be turned off all the same', async () => {
  const { disk, clock, broken, start } = setUp();
  const guest = start();
  await clock.pass(1_000);
  expect(broken).toEqual([]);
  disk.flush = () => Promise.reject(new Error('the disk refuses'));
  await clock.pass(1_000);
  expect(broken.length).toBeGreaterThan(0);
  disk.close = () => Promise.reject(new Error('the disk refuses'));
  await expect(guest.turnOff()).resolves.toBeUndefined();
});
