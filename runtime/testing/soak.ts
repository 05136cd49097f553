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

type Started = { readonly id: string; readonly load: Load; readonly input: number | string | undefined };

/** Kills a host of the sample app again and again under a mixed load, and then looks whether anything is lost, doubled or wrong. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const random = seededRandom(options.seed);
  const folder = makeAppFolder(resolve(__dirname, 'sample-app.js'));
  const traces = join(folder.app, 'traces');
  mkdirSync(traces);
  const environment = { SAMPLE_TRACES: traces, TICK_SCHEDULE: '0 0 4 1 1 *' };
  try {
    const acknowledged: Started[] = [];
    for (let kill = 0; kill < options.kills; kill += 1) {
      const host = await HostUnderTest.start(folder, [], environment);
      const lifeMs = 50 + random() * 700;
      const started = await loadUntilKilled(host, kill, lifeMs, random);
      acknowledged.push(...started);
      options.log(
        `kill ${kill + 1} of ${options.kills} after ${Math.round(lifeMs)} ms: ${acknowledged.length} instances`,
      );
    }
    const outputs = await outputsAtTheEnd(folder, environment, acknowledged);
    const wrong = acknowledged.flatMap((started, index) => wrongOutput(started, outputs[index]));
    const inspected = inspect(folder, traces, acknowledged);
    return { ...inspected, faults: [...wrong, ...inspected.faults] };
  } finally {
    folder.remove();
  }
}

/** Lets everything come to its end on a host that nobody kills. */
async function outputsAtTheEnd(
  folder: AppFolder,
  environment: Readonly<Record<string, string>>,
  acknowledged: readonly Started[],
): Promise<unknown[]> {
  const host = await HostUnderTest.start(folder, [], environment);
  try {
    await raiseMissing(host, acknowledged);
    const ends = await Promise.all(acknowledged.map(({ id }) => host.ended(id, endMsMax)));
    return ends.map((end) => end.output);
  } finally {
    await host.end('SIGTERM');
  }
}

/** Starts instances and raises their events until the host is killed; returns those whose start it acknowledged. */
async function loadUntilKilled(
  host: HostUnderTest,
  life: number,
  lifeMs: number,
  random: () => number,
): Promise<Started[]> {
  const started: Started[] = [];
  const untilMs = Date.now() + lifeMs;
  const killed = sleep(lifeMs).then(() => host.end('SIGKILL'));
  for (let n = 0; Date.now() < untilMs && n < instancesPerLife; n += 1) {
    const load = loads[Math.floor(random() * loads.length)];
    if (load === undefined) continue;
    const instance = { id: `soak-${life}-${n}`, load, input: load.input(random) };
    try {
      await host.start(load.orchestrator, instance.input, instance.id);
      started.push(instance);
      for (const event of load.events ?? []) await host.raiseEvent(instance.id, event, `${event}!`);
    } catch {
      // The host was killed over it: what it did not acknowledge may be there or not.
    }
  }
  await killed;
  return started;
}

/** Raises the events once more whose first time may not have been acknowledged; a second one of a name is never waited for. */
async function raiseMissing(host: HostUnderTest, all: readonly Started[]): Promise<void> {
  for (const { id, load } of all) {
    for (const event of load.events ?? []) await host.raiseEvent(id, event, `${event}!`);
  }
}

function wrongOutput(started: Started, output: unknown): string[] {
  const expected = started.load.output(started.input);
  if (expected === undefined || JSON.stringify(output) === JSON.stringify(expected)) return [];
  return [`${started.id} (${started.load.orchestrator}) ended with ${JSON.stringify(output)}`];
}

/** Looks through the state that the killed hosts left. */
function inspect(folder: AppFolder, traces: string, acknowledged: readonly Started[]): SoakReport {
  const effects = linesOf(join(traces, 'effects'));
  const store = new SqliteStore(folder.state);
  try {
    const rows = store.read((tx) => tx.listInstances({ kind: 'orchestration' }, '', 1_000_000));
    const faults = rows.flatMap((row) => {
      const history = store.read((tx) => tx.history(row.instanceId));
      return historyFaults(row.instanceId, history).concat(effectFaults(row.instanceId, history, effects));
    });
    const counts = acknowledged.filter(({ load }) => load.orchestrator === 'Counts').length;
    return {
      instances: rows.length,
      activities: effects.size,
      faults: [
        ...faults,
        ...counterFaults(store, rows.filter((row) => row.name === 'Counts').length, counts),
        ...leftovers(store),
      ],
    };
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

/** Each Counts orchestration adds two; none is lost and none counts twice. Those never acknowledged may be among them. */
function counterFaults(store: SqliteStore, present: number, acknowledged: number): string[] {
  const row = store.read((tx) => tx.instance('@counter@soak'));
  const value = row === undefined ? 0 : Number(readEntityState(row).state);
  if (acknowledged <= present && value === present * 2) return [];
  return [`the counter stands at ${value} after ${present} orchestrations (${acknowledged} acknowledged)`];
}

function leftovers(store: SqliteStore): string[] {
  return store.read((tx) => [
    ...tx.openActivityIds().map((id) => `activity ${id} is still open`),
    ...tx.instancesWithWork().map((id) => `${id} still has messages`),
  ]);
}
