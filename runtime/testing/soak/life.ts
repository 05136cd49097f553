import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { databaseFile } from '../../store/database';
import { seededRandom } from '../random';
import { HostUnderTest, type AppFolder } from '../run-host';
import { loads, type Input, type Load } from './loads';
import { chooseWindow, killAtReply, killAtWrite, type KillWindow } from './windows';

/** An instance whose start was asked for. */
export type Asked = {
  readonly id: string;
  readonly load: Load;
  readonly input: Input;
  /** False when the host was killed over its start: it may be there or not, and if it is it has to end like the others. */
  isAcknowledged: boolean;
  /** The events of it that the host has acknowledged. */
  readonly raised: Set<string>;
};

/** One life of a host, from its start to its kill. */
export type Life = {
  readonly window: KillWindow;
  /** Whether it was killed in the window that was meant, or because that did not come. */
  readonly isHit: boolean;
  readonly asked: readonly Asked[];
  readonly startMs: number | undefined;
  readonly log: readonly string[];
};

export type LifePlan = {
  readonly folder: AppFolder;
  readonly effectsFile: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly life: number;
  readonly seed: number;
  /** How long a start takes about; kills at the start fall within it. */
  readonly startMs: number;
};

/** Instances that are started in one life at most. */
const instancesPerLife = 8;
const quietMsMin = 20;
const quietMsRange = 350;
/** Distances between the seeds of lives, so that each has numbers of its own. */
const seedStep = 7919;

/** Runs a host under load and kills it in a window that the seed decides. */
export async function liveAndDie(plan: LifePlan): Promise<Life> {
  const random = seededRandom(plan.seed + plan.life * seedStep);
  const window = chooseWindow(random);
  const delay = random();
  const planned = Array.from({ length: instancesPerLife }, (_, n) => plannedInstance(plan.life, n, random));
  return window === 'startup' ? dieAtStart(plan, delay) : dieUnderLoad(plan, window, delay, planned);
}

function plannedInstance(life: number, n: number, random: () => number): Asked {
  const load = loads[Math.floor(random() * loads.length)];
  if (load === undefined) throw new RangeError('no load');
  return {
    id: `soak-${life}-${n}`,
    load,
    input: load.input(random, life),
    isAcknowledged: false,
    raised: new Set<string>(),
  };
}

async function dieAtStart(plan: LifePlan, delay: number): Promise<Life> {
  const host = HostUnderTest.spawn(plan.folder, [], plan.environment);
  await sleep(delay * plan.startMs);
  await host.end('SIGKILL');
  return { window: 'startup', isHit: true, asked: [], startMs: undefined, log: host.log };
}

async function dieUnderLoad(
  plan: LifePlan,
  window: Exclude<KillWindow, 'startup'>,
  delay: number,
  planned: readonly Asked[],
): Promise<Life> {
  const beganMs = Date.now();
  const host = await HostUnderTest.start(plan.folder, [], plan.environment);
  const startMs = Date.now() - beganMs;
  const [last, ...others] = planned;
  if (last === undefined) throw new RangeError('nothing to start');
  const asked: Asked[] = [];
  const loading = loadUntilKilled(host, others, asked);
  await sleep(quietMsMin + delay * quietMsRange);
  const isHit = await killIn(window, host, plan, last, asked);
  await host.end('SIGKILL');
  await loading;
  return { window, isHit, asked, startMs, log: host.log };
}

async function killIn(
  window: Exclude<KillWindow, 'startup'>,
  host: HostUnderTest,
  plan: LifePlan,
  last: Asked,
  asked: Asked[],
): Promise<boolean> {
  switch (window) {
    case 'commit':
    case 'effect': {
      // With something just begun, a host that has done all its work has something to write.
      const loading = loadUntilKilled(host, [last], asked);
      const log = join(plan.folder.state, `${databaseFile}-wal`);
      const isHit = await killAtWrite(host, window === 'commit' ? log : plan.effectsFile);
      await loading;
      return isHit;
    }
    case 'reply':
      asked.push(last);
      last.isAcknowledged = await killAtReply(host, `/orchestrators/${last.load.orchestrator}/${last.id}`, last.input);
      return last.isAcknowledged;
    case 'any':
      host.kill();
      return true;
  }
}

/** Starts instances and raises their events until the host is killed; `asked` grows with each that was sent. */
async function loadUntilKilled(host: HostUnderTest, planned: readonly Asked[], asked: Asked[]): Promise<void> {
  for (const instance of planned) {
    asked.push(instance);
    try {
      await host.start(instance.load.orchestrator, instance.input, instance.id);
      instance.isAcknowledged = true;
      await raiseMissing(host, instance);
    } catch {
      // The host was killed over it.
      return;
    }
  }
}

/** Raises the events of an instance that were not acknowledged; one that was is on the disk and must not need a second time. */
export async function raiseMissing(host: HostUnderTest, { id, load, raised }: Asked): Promise<void> {
  for (const event of load.events ?? []) {
    if (raised.has(event)) continue;
    if ((await host.raiseEvent(id, event, `${event}!`)).status === 202) raised.add(event);
  }
}
