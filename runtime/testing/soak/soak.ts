import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { HostUnderTest } from '../run-host';
import { makeSampleFolder } from '../sample-folder';
import { inspect, type Inspected } from './inspect';
import { liveAndDie, raiseMissing, type Asked, type Life } from './life';
import { loads } from './loads';
import { killWindows, type KillWindow } from './windows';

export type SoakOptions = {
  readonly kills: number;
  readonly seed: number;
  /** Told after each kill. */
  readonly onKill: (progress: {
    readonly kill: number;
    readonly window: KillWindow;
    readonly instances: number;
  }) => void;
};

export type WindowCount = { readonly window: KillWindow; readonly kills: number; readonly hits: number };
export type LoadCount = {
  readonly orchestrator: string;
  readonly what: string;
  readonly asked: number;
  readonly acknowledged: number;
};

/** What came of it. `faults` says what is wrong, each with what it concerns; empty when all is well. */
export type SoakReport = Inspected & {
  readonly kills: number;
  readonly seed: number;
  readonly windows: readonly WindowCount[];
  readonly loads: readonly LoadCount[];
  /** How long everything that was open took to end once nobody killed the host any more. */
  readonly endMs: number;
};

const startMsFirst = 700;
/** The time in which everything has to end at last, and more of it for each kill. */
const endMsMin = 60_000;
const endMsPerKill = 300;

/** Kills a host of the sample app again and again under a mixed load, and then looks whether anything is lost, doubled or wrong. */
export async function soak({ kills, seed, onKill }: SoakOptions): Promise<SoakReport> {
  const { folder, traces, environment } = makeSampleFolder();
  const effectsFile = join(traces, 'effects');
  try {
    const lives: Life[] = [];
    let startMs = startMsFirst;
    for (let life = 0; life < kills; life += 1) {
      const lived = await liveAndDie({ folder, effectsFile, environment, life, seed, startMs });
      startMs = lived.startMs ?? startMs;
      lives.push(lived);
      const instances = lives.reduce((sum, { asked }) => sum + asked.length, 0);
      onKill({ kill: life + 1, window: lived.window, instances });
    }
    const asked = lives.flatMap((life) => life.asked);
    const beganMs = Date.now();
    const last = await HostUnderTest.start(folder, [], environment);
    const unfinished = await bringToEnd(last, asked, endMsMin + kills * endMsPerKill);
    const endMs = Date.now() - beganMs;
    await last.end('SIGTERM');
    const inspected = inspect(folder.state, effectsFile, asked);
    const log = [...lives.flatMap((life) => life.log), ...last.log];
    const faults = [...unfinished, ...inspected.faults, ...logFaults(log)];
    return { ...inspected, faults, kills, seed, windows: windowCounts(lives), loads: loadCounts(asked), endMs };
  } finally {
    folder.remove();
  }
}

const page = z.array(z.looseObject({ instanceId: z.string() }));

/** Lets everything come to its end on a host that nobody kills; says what has not. */
async function bringToEnd(host: HostUnderTest, asked: readonly Asked[], msMax: number): Promise<string[]> {
  for (const instance of asked) {
    if (instance.load.events !== undefined && (await host.exists(instance.id))) await raiseMissing(host, instance);
  }
  const untilMs = Date.now() + msMax;
  for (;;) {
    const response = await fetch(`${host.durable}/instances?runtimeStatus=Pending,Running,Suspended&showInput=false`);
    const open = page.parse(await response.json()).filter(({ instanceId }) => !instanceId.startsWith('@'));
    if (open.length === 0) return [];
    if (Date.now() > untilMs) return open.map(({ instanceId }) => `${instanceId} has not ended in ${msMax / 1000} s`);
    await sleep(200);
  }
}

/** What a host says of itself that must not be. */
const logFaults = (log: readonly string[]): string[] =>
  log.filter((line) => /failed inside the runtime|is damaged/.test(line));

const windowCounts = (lives: readonly Life[]): WindowCount[] =>
  killWindows.map((window) => {
    const ofWindow = lives.filter((life) => life.window === window);
    return { window, kills: ofWindow.length, hits: ofWindow.filter(({ isHit }) => isHit).length };
  });

const loadCounts = (asked: readonly Asked[]): LoadCount[] =>
  loads.map(({ orchestrator, what }) => {
    const ofLoad = asked.filter(({ load }) => load.orchestrator === orchestrator);
    const acknowledged = ofLoad.filter(({ isAcknowledged }) => isAcknowledged).length;
    return { orchestrator, what, asked: ofLoad.length, acknowledged };
  });
