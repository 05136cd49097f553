import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { HostUnderTest, type AppFolder } from '../../runtime/testing/run-host';
import { spreadOf, type Spread } from '../statistics';
import { measure, type Measured } from './measure';
import { useOf } from './processes';
import { Requests } from './requests';

const connections = 16;
const endMsMax = 600_000;
const fans = 100;
const fanWidth = 100;
const starts = 2000;
const eventsPerActivity = 4;

/** A chain of activities, each waiting for the one before. */
export async function chain(host: HostUnderTest, length: number, perSecondGoal?: number): Promise<Measured> {
  return measure(host, { name: `chain of ${length}`, unit: 'activities', count: length, perSecondGoal }, async () => {
    const { output } = await host.ended(await host.start('Chain', length), endMsMax);
    expectEqual(`the output of a chain of ${length}`, output, (length * (length - 1)) / 2);
  });
}

/** Many instances at once, each with as many activities at once. */
export async function fanOuts(host: HostUnderTest, perSecondGoal: number): Promise<Measured> {
  const what = { name: `${fans} fan-outs of ${fanWidth}`, unit: 'activities', count: fans * fanWidth, perSecondGoal };
  return measure(host, what, async () => {
    const ids = await Promise.all(Array.from({ length: fans }, () => host.start('Fan', fanWidth)));
    for (const id of ids) {
      const { output } = await host.ended(id, endMsMax);
      expectEqual(`the output of a fan-out of ${fanWidth}`, output, (fanWidth * (fanWidth - 1)) / 2);
    }
  });
}

/** Starts that are acknowledged and so durable: over the management API, or by an HTTP function with the durable client. */
export async function startsOver(host: HostUnderTest, way: 'api' | 'client'): Promise<Measured> {
  const requests = new Requests(connections);
  const address = way === 'api' ? `${host.durable}/orchestrators/Chain` : `${host.origin}/api/begin/Chain`;
  const name = `starts ${way === 'api' ? 'over the management API' : 'by an HTTP function'}, ${connections} at once`;
  const measured = await measure(host, { name, unit: 'starts', count: starts }, () =>
    requests.many(starts, () => requests.post(address, '1')),
  );
  await untilNone(host, ['Pending', 'Running']);
  requests.close();
  return measured;
}

export type OpenInstances = {
  readonly count: number;
  readonly residentBytesBefore: number | undefined;
  readonly residentBytes: number | undefined;
};

/** Opens instances that wait for an event, and counts the memory when all of them do. */
export async function openInstances(host: HostUnderTest, count: number): Promise<OpenInstances> {
  const requests = new Requests(connections);
  const residentBytesBefore = useOf(host.pid)?.residentBytes;
  await requests.many(count, () => requests.post(`${host.durable}/orchestrators/Waits`, '1'));
  await untilNone(host, ['Pending']);
  requests.close();
  return { count, residentBytesBefore, residentBytes: useOf(host.pid)?.residentBytes };
}

export type ColdReplay = { readonly events: number; readonly milliseconds: Spread };

/** From an event's arrival to the end of an instance whose history is long, in a host and worker that have just started. */
export async function coldReplay(folder: AppFolder, events: number, repetitions: number): Promise<ColdReplay> {
  const before = await HostUnderTest.start(folder);
  const length = Math.ceil(events / eventsPerActivity);
  const ids: string[] = [];
  for (let n = 0; n < repetitions; n += 1) ids.push(await before.start('ChainThenWaits', length));
  for (const id of ids) await untilWaiting(before, id, length);
  await before.end('SIGTERM');
  const host = await HostUnderTest.start(folder);
  const times: number[] = [];
  try {
    // The first one warms the code, as no user of a long history waits for its first.
    await host.raiseEvent(await host.start('Waits'), 'go', 1);
    for (const id of ids) {
      const beganMs = performance.now();
      await host.raiseEvent(id, 'go', 1);
      while ((await host.status(id)).runtimeStatus !== 'Completed') await sleep(1);
      times.push(performance.now() - beganMs);
    }
  } finally {
    await host.end('SIGTERM');
  }
  return { events: length * eventsPerActivity, milliseconds: spreadOf(times) };
}

async function untilWaiting(host: HostUnderTest, id: string, length: number): Promise<void> {
  const completed = (events: readonly Record<string, unknown>[]): number =>
    events.filter((event) => event['EventType'] === 'TaskCompleted').length;
  while (completed((await host.status(id, '?showHistory=true')).historyEvents ?? []) < length) await sleep(250);
}

const listed = z.array(z.unknown());

async function untilNone(host: HostUnderTest, statuses: readonly string[]): Promise<void> {
  const query = `/runtime/webhooks/durabletask/instances?runtimeStatus=${statuses.join(',')}&top=1`;
  while (listed.parse(await (await host.fetch(query)).json()).length > 0) await sleep(50);
}

function expectEqual(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`${what} is ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`);
}
