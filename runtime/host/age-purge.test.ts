import { VirtualClock } from '../engine/clock';
import { DirectCommitter } from '../engine/commit';
import { pendingRow } from '../engine/instances';
import { StoreUnavailable, type InstanceRow } from '../engine/store';
import { MemoryStore } from '../store/memory';
import { AgePurge } from './age-purge';

const day = 24 * 60 * 60_000;
const minute = 60_000;
const startMs = 100 * day;

const row = (instanceId: string, status: InstanceRow['status'], updatedAtMs: number): InstanceRow => ({
  ...pendingRow({
    instanceId,
    executionId: 'e',
    name: 'A',
    version: null,
    input: null,
    parent: null,
    sourceInstanceId: null,
    nowMs: updatedAtMs,
  }),
  status,
});

function purging(rows: readonly InstanceRow[], committer?: { failures: number }) {
  const store = new MemoryStore();
  store.transaction((tx) => {
    for (const one of rows) tx.putInstance(one);
  });
  const clock = new VirtualClock(startMs);
  const lines: string[] = [];
  const direct = new DirectCommitter(store);
  const purge = new AgePurge({
    committer: {
      commit: async (work) => {
        if (committer !== undefined && committer.failures-- > 0) throw new StoreUnavailable('the disk is full');
        return direct.commit(work);
      },
    },
    clock,
    endedMsMax: 7 * day,
    info: (line) => lines.push(line),
    error: (line) => lines.push(line),
  });
  purge.start();
  const ids = () => store.read((tx) => tx.listInstances({}, '', 100_000)).map((one) => one.instanceId);
  /** Lets time go by, and what happens at that time come to its end. */
  const pass = async (ms: number): Promise<void> => {
    clock.moveTo(clock.now() + ms);
    for (let turn = 0; turn < 200; turn += 1) await Promise.resolve();
  };
  return { ids, pass, purge, lines };
}

test('what ended before the set age goes; what ended later, has not ended, or is an entity stays', async () => {
  const old = startMs - 8 * day;
  const { ids, pass, lines } = purging([
    row('completed', 'Completed', old),
    row('failed', 'Failed', old),
    row('terminated', 'Terminated', old),
    row('running', 'Running', old),
    row('suspended', 'Suspended', old),
    row('@counter@k', 'Running', old),
    row('recent', 'Completed', startMs - 6 * day),
  ]);
  expect(ids()).toHaveLength(7);
  await pass(minute);
  expect(ids()).toEqual(['@counter@k', 'recent', 'running', 'suspended']);
  expect(lines).toEqual(['3 instances that ended long ago were forgotten.']);
  await pass(day);
  await pass(10 * minute);
  expect(ids()).toEqual(['@counter@k', 'running', 'suspended']);
});

test('one pass has a bound, and the rest follows soon', async () => {
  const rows = Array.from({ length: 2300 }, (_, n) => row(`i${n}`, 'Completed', startMs - 9 * day));
  const { ids, pass } = purging(rows);
  await pass(minute);
  expect(ids()).toHaveLength(1300);
  await pass(5000);
  await pass(5000);
  expect(ids()).toHaveLength(0);
});

test('a store that takes no writes is said, and the next pass tries again', async () => {
  const { ids, pass, lines } = purging([row('old', 'Completed', startMs - 9 * day)], { failures: 1 });
  await pass(minute);
  expect(lines).toEqual(['Instances that ended long ago could not be forgotten: the disk is full']);
  await pass(10 * minute);
  expect(ids()).toEqual([]);
});

test('after its stop nothing goes any more', async () => {
  const { ids, pass, purge } = purging([row('old', 'Completed', startMs - 9 * day)]);
  await purge.stop();
  await pass(day);
  expect(ids()).toEqual(['old']);
});
