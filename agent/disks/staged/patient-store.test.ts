import { systemClock, type Clock } from '../../clock';
import { AccessHolder } from './access';
import { StagingError, type StoreTrouble } from './block-store';
import { PatientStore } from './patient-store';
import { accessUntil, quickStagedPace } from './testing/ends';
import { MemoryStore } from './testing/memory-store';

const waits: (string | null)[] = [];
beforeEach(() => void (waits.length = 0));

/** A store whose calls have these troubles, one after the other, and none afterwards. */
function troubled(...troubles: StoreTrouble[]) {
  const store = new MemoryStore();
  store.trouble = () => troubles.shift();
  return store;
}

function patient(store: MemoryStore, changes: { clock?: Clock; access?: AccessHolder; signal?: AbortSignal } = {}) {
  return new PatientStore({
    storeOf: () => store,
    access: new AccessHolder(accessUntil(1)),
    clock: systemClock,
    pace: quickStagedPace,
    signal: new AbortController().signal,
    onWait: (reason) => void waits.push(reason),
    ...changes,
  });
}

const failureCode = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'none',
    (thrown: unknown) => {
      if (thrown instanceof StagingError) return thrown.failure.code;
      throw thrown;
    },
  );

test('a call that storage is away for is made again until it is answered, and it is told what is waited for', async () => {
  const store = troubled('away', 'away', 'away');
  expect(await patient(store).put('a', Buffer.from('content'))).toBe('put');
  expect(store.calls).toHaveLength(4);
  expect(waits).toEqual(['put a', null, 'put a', null, 'put a', null]);
});

test('storage that stays away for longer than it may is StorageUnavailable', async () => {
  let nowMs = 0;
  const clock: Clock = { now: () => nowMs, sleep: async (ms) => void (nowMs += ms) };
  const store = new MemoryStore();
  store.trouble = () => 'away';
  expect(await failureCode(patient(store, { clock }).has('a'))).toBe('StorageUnavailable');
  expect(nowMs).toBeGreaterThan(quickStagedPace.awayMsMax);
});

test('access that is not accepted any more is waited for, and the call is made with the new one', async () => {
  const access = new AccessHolder(accessUntil(1));
  const store = troubled('no-access');
  const used: string[] = [];
  const asking = new PatientStore({
    storeOf: ({ sas }) => {
      used.push(sas);
      return store;
    },
    access,
    clock: systemClock,
    pace: quickStagedPace,
    signal: new AbortController().signal,
    onWait: (reason) => {
      if (reason !== null) access.renew(accessUntil(2));
    },
  }).has('a');
  expect(await asking).toBe(false);
  expect(used).toEqual(['until-1', 'until-2']);
});

test('an older access that comes late changes nothing', () => {
  const access = new AccessHolder(accessUntil(2));
  access.renew(accessUntil(1));
  expect(access.current).toEqual(accessUntil(2));
});

test('access to another container changes nothing, since another key goes with it', () => {
  const access = new AccessHolder(accessUntil(1));
  access.renew({ ...accessUntil(2), containerUrl: 'another' });
  expect(access.current).toEqual(accessUntil(1));
});

test('access that nobody renews is StagingAccessEnded', async () => {
  let nowMs = 0;
  const clock: Clock = { now: () => nowMs, sleep: async (ms) => void (nowMs += ms) };
  expect(await failureCode(patient(troubled('no-access'), { clock }).has('a'))).toBe('StagingAccessEnded');
});

test.each<[StoreTrouble, string]>([
  ['gone', 'StagedContentMissing'],
  ['too-long', 'StagedContentDamaged'],
])('a store that says "%s" is %s, at once', async (trouble, code) => {
  const store = troubled(trouble);
  expect(await failureCode(patient(store).get('a', 1))).toBe(code);
  expect(store.calls).toHaveLength(1);
});

test('a canceled call is not made again', async () => {
  const canceled = new AbortController();
  const store = new MemoryStore();
  store.trouble = () => {
    canceled.abort();
    return 'away';
  };
  expect(await failureCode(patient(store, { signal: canceled.signal }).has('a'))).toBe('CanceledByOperator');
  expect(store.calls).toHaveLength(1);
});
