import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { failureOf } from '../../contracts/failure';
import { operationId, runId, vmId } from '../../contracts/ids';
import { createLineLog } from '../../agent/log';
import { keptMs, OperationStore } from '../../agent/operations/store';
import { operationOf, vmA, Workbench } from './workbench';

const run = runId.parse('move-r1');

describe('operation store', () => {
  let bench: Workbench;
  let path: string;

  beforeEach(async () => {
    bench = await Workbench.make();
    path = join(bench.folder, 'operations.log');
  });
  afterEach(() => bench.remove());

  const open = () => {
    const log = createLineLog((line) => bench.lines.push(line), bench.clock);
    return OperationStore.open({ folder: bench.folder, clock: bench.clock, log });
  };

  /** What the store says of everything that the tests below put into it. */
  const known = (store: OperationStore) => ({
    operations: ['op-1', 'op-2', 'op-3'].map((id) => store.get(operationId.parse(id))),
    unfinished: store.unfinished().map((record) => record.operationId),
    epoch: store.epochOf(run),
    fenced: store.fenced(run, vmId.parse(vmA)),
  });

  async function fill(store: OperationStore, afterEach_: () => Promise<void> = async () => {}): Promise<void> {
    await store.accept(operationOf('op-1', 'fence-vm'));
    await afterEach_();
    await store.end(operationId.parse('op-1'), { end: { state: 'succeeded', output: { x: 1 } }, progress: null });
    await afterEach_();
    await store.accept(operationOf('op-2', 'release', { epoch: 2 }));
    await afterEach_();
    await store.askCancel(operationId.parse('op-2'));
    await afterEach_();
    const failure = failureOf('DigestMismatch', { message: 'block 7' });
    await store.end(operationId.parse('op-2'), { end: { state: 'failed', failure }, progress: null });
    await afterEach_();
    await store.accept(operationOf('op-3', 'check-disks', { epoch: 3 }));
    await afterEach_();
  }

  test('torn at any byte, it holds what was acknowledged up to there and goes on', async () => {
    const states: { bytes: number; state: ReturnType<typeof known> }[] = [];
    const first = await open();
    states.push({ bytes: 0, state: known(first) });
    await fill(first, async () => void states.push({ bytes: (await readFile(path)).length, state: known(first) }));
    await first.close();
    const whole = await readFile(path);

    for (let length = 0; length <= whole.length; length += 1) {
      await writeFile(path, whole.subarray(0, length));
      const store = await open();
      const acknowledged = states.findLast(({ bytes }) => bytes <= length);
      expect({ length, state: known(store) }).toEqual({ length, state: acknowledged?.state });
      const goesOn = length % 25 === 0;
      if (goesOn) await store.accept(operationOf('later', 'pull', { epoch: 9 }));
      await store.close();
      if (goesOn) {
        const again = await open();
        expect(again.epochOf(run)).toBe(9);
        await again.close();
      }
    }
    expect(bench.logged('torn end of the operation log cut off').length).toBeGreaterThan(100);
  });

  test('an id is accepted once and ends once', async () => {
    const store = await open();
    await fill(store);
    await expect(store.accept(operationOf('op-3', 'check-disks', { epoch: 3 }))).rejects.toThrow('accepted before');
    const end = { end: { state: 'canceled' as const }, progress: null };
    await expect(store.end(operationId.parse('op-1'), end)).rejects.toThrow('not under way');
    await expect(store.end(operationId.parse('op-9'), end)).rejects.toThrow('not under way');
    await store.close();
  });

  test('rewritten, it holds the same but for what is older than 30 days', async () => {
    const store = await open();
    await fill(store);
    bench.clock.advance(keptMs + 1);
    const before = known(store);
    await store.prune();
    expect(known(store)).toEqual({ ...before, operations: [undefined, undefined, before.operations[2]] });
    await store.close();
    const again = await open();
    expect(known(again)).toEqual(known(store));
    await again.close();
    expect((await readFile(path, 'utf8')).includes('op-1')).toBe(false);
  });

  test('it is rewritten when it has grown long, without waiting for anything to be old', async () => {
    const store = await open();
    const text = 'x'.repeat(60_000);
    for (let index = 0; index < 80; index += 1) {
      const id = `op-${index}`;
      await store.accept(operationOf(id, 'check-disks', { epoch: index + 1 }));
      await store.end(operationId.parse(id), { end: { state: 'succeeded', output: { text } }, progress: null });
    }
    await store.prune();
    expect(bench.logged('operation log rewritten')).toHaveLength(1);
    // Nothing could be dropped, so it is not rewritten over and over.
    await store.prune();
    expect(bench.logged('operation log rewritten')).toHaveLength(1);
    await store.close();
  });

  test('a log of another contract keeps the agent from starting and says what it stumbled over', async () => {
    const store = await open();
    await fill(store);
    await store.close();
    const text = await readFile(path, 'utf8');
    const json =
      '[{"event":"accepted","atMs":1,"operationId":"op-7","runId":"r","epoch":1,"kind":"save-vm","input":{}}]';
    await writeFile(path, `${text}${crc32(json).toString(16).padStart(8, '0')} ${json}\n`);
    await expect(open()).rejects.toThrow(/op-7 of another contract: input.vmId/);
  });
});
