import { VirtualClock } from './clock';
import { Dispatcher } from './dispatcher';
import type { Engine, WorkEnd } from './engine';
import type { Work } from './instances';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** An engine whose work ends when the test says so. */
function setUp() {
  const clock = new VirtualClock(0);
  const running: string[] = [];
  const ends = new Map<string, (end: WorkEnd) => void>();
  const log: string[] = [];
  const run = (name: string): Promise<WorkEnd> => {
    running.push(name);
    return new Promise<WorkEnd>((resolve) => ends.set(name, resolve)).finally(() =>
      running.splice(running.indexOf(name), 1),
    );
  };
  let due: Work[] = [];
  const engine: Pick<Engine, 'openWork' | 'dueTimers' | 'runTurn' | 'runActivity'> = {
    openWork: () => [{ kind: 'instance', instanceId: 'open' }],
    dueTimers: () => due.splice(0),
    runTurn: (instanceId) => (instanceId === 'broken' ? Promise.reject(new Error('a bug')) : run(instanceId)),
    runActivity: (id) => run(`a${id}`),
  };
  const dispatcher = new Dispatcher(engine, { clock, turnsMax: 2, activitiesMax: 3, log: (line) => log.push(line) });
  const end = async (name: string, how: WorkEnd = 'done'): Promise<void> => {
    ends.get(name)?.(how);
    await turn();
  };
  return { clock, running, end, dispatcher, log, setDue: (work: Work[]) => (due = work) };
}

const instance = (instanceId: string): Work => ({ kind: 'instance', instanceId });
const activities = (...ids: number[]): Work[] => ids.map((id) => ({ kind: 'activity', id }));

test('turns and activities run side by side up to their limits', async () => {
  const { dispatcher, running, end } = setUp();
  dispatcher.start();
  dispatcher.add([instance('b'), instance('c'), ...activities(1, 2, 3, 4)]);
  expect(running).toEqual(['open', 'b', 'a1', 'a2', 'a3']);
  await end('open');
  await end('a2');
  expect(running).toEqual(['b', 'a1', 'a3', 'c', 'a4']);
  expect(dispatcher.counts()).toEqual({ turns: 2, activities: 3, activitiesWaiting: 0 });
});

test('an instance has one turn at a time; what comes meanwhile makes another', async () => {
  const { dispatcher, running, end } = setUp();
  dispatcher.start();
  dispatcher.add([instance('open'), instance('open')]);
  expect(running).toEqual(['open']);
  await end('open');
  expect(running).toEqual(['open']);
  await end('open');
  expect(running).toEqual([]);
});

test('work whose worker was lost, and work that met a bug, is tried again after growing pauses', async () => {
  const { dispatcher, running, end, clock, log } = setUp();
  dispatcher.start();
  await end('open', 'again');
  expect(running).toEqual([]);
  clock.moveTo(50);
  expect(running).toEqual(['open']);
  await end('open', 'again');
  clock.moveTo(149);
  expect(running).toEqual([]);
  clock.moveTo(150);
  expect(running).toEqual(['open']);
  dispatcher.add([instance('broken')]);
  await turn();
  expect(log.join()).toContain("turn of 'broken' failed inside the runtime: a bug");
});

test('timers wake their instances at their time, an earlier one before a later one', async () => {
  const { dispatcher, running, end, clock, setDue } = setUp();
  dispatcher.start();
  await end('open');
  dispatcher.add([
    { kind: 'timer', atMs: 500 },
    { kind: 'timer', atMs: 200 },
  ]);
  setDue([instance('early'), { kind: 'timer', atMs: 500 }]);
  clock.moveTo(200);
  expect(running).toEqual(['early']);
  setDue([instance('late')]);
  clock.moveTo(500);
  expect(running).toEqual(['early', 'late']);
});

test('a stop takes no new work and waits for what runs, but not for ever', async () => {
  const { dispatcher, running, end, clock } = setUp();
  dispatcher.start();
  const stopped = dispatcher.stop(1000);
  dispatcher.add([instance('b')]);
  expect(running).toEqual(['open']);
  await end('open');
  await stopped;
  const other = setUp();
  other.dispatcher.start();
  const impatient = other.dispatcher.stop(1000);
  other.clock.moveTo(1000);
  await impatient;
  expect(other.running).toEqual(['open']);
  expect(clock.now()).toBe(0);
});
