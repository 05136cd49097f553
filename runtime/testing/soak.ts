import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readEntityState } from '../engine/entity-state';
import { EventType, type HistoryEvent } from '../engine/history';
import { SqliteStore } from '../store/sqlite';
import { seededRandom } from './random';
import { HostUnderTest, makeAppFolder, type AppFolder } from './run-host';

export type SoakOptions = {
  readonly kills: number;
  readonly seed: number;
  readonly log: (line: string) => void;
};

export type SoakReport = {
  readonly instances: number;
  readonly activities: number;
  /** What is wrong, each with the instance that it concerns; empty when all is well. */
  readonly faults: readonly string[];
};

/** One kind of load: how it is started, what events it waits for, and what comes of it. */
type Load = {
  readonly orchestrator: string;
  readonly input: (random: () => number) => number | string | undefined;
  readonly events?: readonly string[];
  /** The output for this input and these events; undefined when it depends on others. */
  readonly output: (input: number | string | undefined) => unknown;
};

const upTo =
  (max: number) =>
  (random: () => number): number =>
    1 + Math.floor(random() * max);
const sumBelow = (n: number): number => (n * (n - 1)) / 2;

const loads: readonly Load[] = [
  { orchestrator: 'Chain', input: upTo(12), output: (n) => sumBelow(Number(n)) },
  { orchestrator: 'Fan', input: upTo(40), output: (n) => Array.from({ length: Number(n) }, (_, index) => index) },
  { orchestrator: 'Naps', input: upTo(4), output: (n) => n },
  { orchestrator: 'Listens', input: () => undefined, events: ['first', 'second'], output: () => ['first!', 'second!'] },
  { orchestrator: 'Family', input: upTo(4), output: (n) => Array.from({ length: Number(n) }, () => 3) },
  { orchestrator: 'Generations', input: upTo(4), output: () => 'done' },
  { orchestrator: 'Counts', input: () => 'soak', output: () => undefined },
];

/** The time in which everything has to end once nobody kills the host any more. */
const endMsMax = 60_000;

/** Instances that are started in one life of the host at most. */
const instancesPerLife = 12;

/** An instance whose start was asked for. */
type Asked = {
  readonly id: string;
  readonly load: Load;
  readonly input: number | string | undefined;
  /** False when the host was killed over its start: it may be there or not, and if it is it has to end like the others. */
  isAcknowledged: boolean;
  /** The events of it that the host has acknowledged. */
  readonly raised: Set<string>;
};

/** Kills a host of the sample app again and again under a mixed load, and then looks whether anything is lost, doubled or wrong. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const random = seededRandom(options.seed);
  const folder = makeAppFolder(resolve(__dirname, 'sample-app.js'));
  const traces = join(folder.app, 'traces');
  mkdirSync(traces);
  const environment = { SAMPLE_TRACES: traces, TICK_SCHEDULE: '0 0 4 1 1 *' };
  try {
    const asked: Asked[] = [];
    for (let kill = 0; kill < options.kills; kill += 1) {
      const host = await HostUnderTest.start(folder, [], environment);
      const lifeMs = 50 + random() * 700;
      asked.push(...(await loadUntilKilled(host, kill, lifeMs, random)));
      options.log(`kill ${kill + 1} of ${options.kills} after ${Math.round(lifeMs)} ms: ${asked.length} instances`);
    }
    const wrong = await bringToEnd(folder, environment, asked);
    const inspected = inspect(folder, traces);
    return { ...inspected, faults: [...wrong, ...inspected.faults] };
  } finally {
    folder.remove();
  }
}

/** Starts instances and raises their events until the host is killed. */
async function loadUntilKilled(
  host: HostUnderTest,
  life: number,
  lifeMs: number,
  random: () => number,
): Promise<Asked[]> {
  const asked: Asked[] = [];
  const untilMs = Date.now() + lifeMs;
  const killed = sleep(lifeMs).then(() => host.end('SIGKILL'));
  for (let n = 0; Date.now() < untilMs && n < instancesPerLife; n += 1) {
    const load = loads[Math.floor(random() * loads.length)];
    if (load === undefined) continue;
    const instance = {
      id: `soak-${life}-${n}`,
      load,
      input: load.input(random),
      isAcknowledged: false,
      raised: new Set<string>(),
    };
    asked.push(instance);
    try {
      await host.start(load.orchestrator, instance.input, instance.id);
      instance.isAcknowledged = true;
      await raiseMissing(host, instance);
    } catch {
      // The host was killed over it.
    }
  }
  await killed;
  return asked;
}

/** Raises the events of an instance that were not acknowledged; one that was is on the disk and must not need a second time. */
async function raiseMissing(host: HostUnderTest, { id, load, raised }: Asked): Promise<void> {
  for (const event of load.events ?? []) {
    if (raised.has(event)) continue;
    if ((await host.raiseEvent(id, event, `${event}!`)).status === 202) raised.add(event);
  }
}

/** Lets everything come to its end on a host that nobody kills, and says what came out wrong. */
async function bringToEnd(
  folder: AppFolder,
  environment: Readonly<Record<string, string>>,
  asked: readonly Asked[],
): Promise<string[]> {
  const host = await HostUnderTest.start(folder, [], environment);
  try {
    const faults = await Promise.all(asked.map((instance) => endOf(host, instance)));
    return faults.flat();
  } finally {
    await host.end('SIGTERM');
  }
}

async function endOf(host: HostUnderTest, instance: Asked): Promise<string[]> {
  const { id, load, input } = instance;
  if (!(await host.exists(id))) return instance.isAcknowledged ? [`${id} is lost`] : [];
  await raiseMissing(host, instance);
  const { output, runtimeStatus } = await host.ended(id, endMsMax);
  const expected = load.output(input);
  const isRight = expected === undefined || JSON.stringify(output) === JSON.stringify(expected);
  if (runtimeStatus === 'Completed' && isRight) return [];
  return [`${id} (${load.orchestrator}) ended ${runtimeStatus} with ${JSON.stringify(output)}`];
}

/** Looks through the state that the killed hosts left. */
function inspect(folder: AppFolder, traces: string): SoakReport {
  const effects = linesOf(join(traces, 'effects'));
  const store = new SqliteStore(folder.state);
  try {
    const rows = store.read((tx) => tx.listInstances({ kind: 'orchestration' }, '', 1_000_000));
    const faults = rows.flatMap((row) => {
      const history = store.read((tx) => tx.history(row.instanceId));
      return historyFaults(row.instanceId, history).concat(effectFaults(row.instanceId, history, effects));
    });
    const counts = rows.filter((row) => row.name === 'Counts').length;
    const more = [...counterFaults(store, counts), ...leftovers(store)];
    return { instances: rows.length, activities: effects.size, faults: [...faults, ...more] };
  } finally {
    store.close();
  }
}

const linesOf = (file: string): Set<string> =>
  new Set(existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []);

/** A history begins once, ends once, and holds exactly one end for each task that it scheduled. */
function historyFaults(instanceId: string, history: readonly HistoryEvent[]): string[] {
  const faults: string[] = [];
  const count = (type: HistoryEvent['EventType']): number => history.filter((event) => event.EventType === type).length;
  if (count(EventType.ExecutionStarted) !== 1) faults.push(`${instanceId} has not begun once`);
  if (count(EventType.ExecutionCompleted) !== 1) faults.push(`${instanceId} has not ended once`);
  const scheduled = history.flatMap((event) =>
    event.EventType === EventType.TaskScheduled || event.EventType === EventType.SubOrchestrationInstanceCreated
      ? [event.EventId]
      : [],
  );
  const ended = history.flatMap((event) => ('TaskScheduledId' in event ? [event.TaskScheduledId] : []));
  if (new Set(scheduled).size !== scheduled.length) faults.push(`${instanceId} has scheduled a task twice`);
  if (JSON.stringify([...scheduled].sort()) !== JSON.stringify([...ended].sort())) {
    faults.push(`${instanceId} scheduled ${scheduled.join()} and got ${ended.join()}`);
  }
  return faults;
}

/** Every activity that the history calls completed has left its trace. Those of the sample app are numbered in their order. */
function effectFaults(instanceId: string, history: readonly HistoryEvent[], effects: ReadonlySet<string>): string[] {
  const started = history.find((event) => event.EventType === EventType.ExecutionStarted);
  const completed = history.filter((event) => event.EventType === EventType.TaskCompleted).length;
  const isGeneration = started?.Name === 'Generations';
  const keys = Array.from(
    { length: completed },
    (_, index) => `${instanceId}/${isGeneration ? (started.Input ?? '0') : index}`,
  );
  return keys.filter((key) => !effects.has(key)).map((key) => `${key} is completed and has not happened`);
}

/** Each Counts orchestration adds two; none is lost and none counts twice. */
function counterFaults(store: SqliteStore, orchestrations: number): string[] {
  const row = store.read((tx) => tx.instance('@counter@soak'));
  const value = row === undefined ? 0 : Number(readEntityState(row).state);
  return value === orchestrations * 2 ? [] : [`the counter stands at ${value} after ${orchestrations} orchestrations`];
}

function leftovers(store: SqliteStore): string[] {
  return store.read((tx) => [
    ...tx.openActivityIds().map((id) => `activity ${id} is still open`),
    ...tx.instancesWithWork().map((id) => `${id} still has messages`),
  ]);
}
