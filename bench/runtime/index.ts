import { join } from 'node:path';
import { HostUnderTest, makeAppFolder } from '../../runtime/testing/run-host';
import { measureDisk } from './disk-floor';
import { middleOf } from '../statistics';
import type { Measured } from './measure';
import { measurePeer } from './peer';
import type { RuntimeResult } from './result';
import { chain, coldReplay, fanOuts, openInstances, startsOver } from './workloads';

export { describeRuntime } from './describe';

const shortChain = 1000;
const longChain = 4000;
/** A chain of the short length is over in two seconds, within which one slow flush of the disk counts. */
const chainRounds = 5;
const openCount = 10_000;
const replayedEvents = 5000;
const replays = 5;

const chainGoal = 500;
const fanOutGoal = 2000;

/** The embedded runtime as a process of its own, with its worker, state in SQLite, full sync. `folder` is on the disk to measure. */
export async function benchRuntime(folder: string, say: (line: string) => void): Promise<RuntimeResult> {
  const disk = measureDisk(folder);
  say('the disk is measured');
  const measured = await measureRates(folder, say);
  const replay = await inApp(folder, (apps) => coldReplay(apps, replayedEvents, replays));
  say('replays are measured');
  const open = await inHost(folder, (host) => openInstances(host, openCount));
  say('open instances are measured');
  const peer = await measurePeer(folder);
  const secondsEach = (length: number): number => {
    const found = measured.find(({ name }) => name === `chain of ${length}`);
    return found === undefined ? Number.NaN : found.seconds / found.count;
  };
  return { disk, measured, chainGrowth: secondsEach(longChain) / secondsEach(shortChain), replay, open, peer };
}

async function measureRates(folder: string, say: (line: string) => void): Promise<Measured[]> {
  return inHost(folder, async (host) => {
    const measured: Measured[] = [];
    const add = (one: Measured): void => {
      say(`${one.name}: ${one.perSecond.toFixed(0)} ${one.unit}/s`);
      measured.push(one);
    };
    await chain(host, 100);
    add(await middleOf(chainRounds, () => chain(host, shortChain, chainGoal)));
    add(await chain(host, longChain, chainGoal));
    add(await fanOuts(host, fanOutGoal));
    add(await startsOver(host, 'api'));
    add(await startsOver(host, 'client'));
    return measured;
  });
}

type AppFolder = ReturnType<typeof makeAppFolder>;

async function inApp<T>(folder: string, work: (apps: AppFolder) => Promise<T>): Promise<T> {
  const apps = makeAppFolder(join(__dirname, 'app.js'), {}, folder);
  try {
    return await work(apps);
  } finally {
    apps.remove();
  }
}

async function inHost<T>(folder: string, work: (host: HostUnderTest) => Promise<T>): Promise<T> {
  return inApp(folder, async (apps) => {
    const host = await HostUnderTest.start(apps);
    try {
      return await work(host);
    } finally {
      await host.end('SIGTERM');
    }
  });
}
