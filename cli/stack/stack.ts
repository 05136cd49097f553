import { mkdirSync } from 'node:fs';
import { describeThrown } from '../../contracts/failure';
import type { HostId } from '../../contracts/ids';
import type { Clock } from '../../agent/clock';
import { bad, good, type Result } from '../context';
import type { CliFailure } from '../failure';
import { formatMs } from '../output/format';
import { layoutOf, type Layout } from './layout';
import { takeLock, type StackLock } from './lock';
import { awaitFormer, rememberProcesses } from './former';
import { choosePorts, type Ports } from './ports';
import { readRunningStack, removeRunningStack, writeRunningStack } from './running';
import { ensureSecrets, type StackSecrets } from './secrets';
import { portNeedsOf, portOf, type StackPlan } from './services';
import { stagesOf, startServices, startStep, type Starting } from './start-services';
import { Supervisor } from './supervisor';

export type StackOptions = {
  readonly home: string;
  readonly hosts: readonly HostId[];
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly say: (line: string) => void;
  /** Aborted while the stack starts, it is stopped again. */
  readonly signal: AbortSignal;
  /** Makes what the agents need before they start, such as the simulated hosts. */
  readonly prepare: (layout: Layout) => Promise<Result<unknown>>;
};

/** A local stack that runs. */
export type Stack = {
  readonly apiUrl: string;
  readonly layout: Layout;
  readonly ports: Ports;
  readonly secrets: StackSecrets;
  readonly supervisor: Supervisor;
  /** Names of its services, in the order in which they were started. */
  readonly services: readonly string[];
  /** Starts a service of this stack again that was stopped by name. */
  startAgain(name: string): Promise<Result<void>>;
  stop(): Promise<void>;
};

const heldBy = (home: string): CliFailure => {
  const running = readRunningStack(home);
  return {
    exit: 'localStack',
    title: 'another local stack uses this state folder',
    detail: running === undefined ? home : `${home}, process ${running.pid}, ${running.apiUrl}`,
    remedy: 'Use the one that runs, stop it (Ctrl-C where it was started), or set HYPERFERRY_HOME to another folder.',
    next: 'hyperferry hosts',
  };
};

async function startLocked(options: StackOptions, layout: Layout, lock: StackLock): Promise<Result<Stack>> {
  const { home, hosts, clock, say } = options;
  const former = await awaitFormer(home, clock, say);
  if (former !== undefined) return bad(former);
  const secrets = ensureSecrets(home, options.randomBytes);
  if (!secrets.ok) return secrets;
  const prepared = await options.prepare(layout);
  if (!prepared.ok) return prepared;
  const needs = portNeedsOf(hosts);
  const ports = await choosePorts(home, needs, say);
  if (!ports.ok) return ports;
  const supervisor = new Supervisor({ clock, say, onProcesses: (pids) => rememberProcesses(home, pids) });
  const startedMs = clock.now();
  const plan: StackPlan = { layout, hosts, ports: ports.value, secrets: secrets.value, env: options.env };
  const starting = { supervisor, needs, say, signal: options.signal };
  const stop = (): void => void supervisor.stop();
  options.signal.addEventListener('abort', stop);
  const started = await startServices(plan, starting);
  options.signal.removeEventListener('abort', stop);
  if (!started.ok) {
    await supervisor.stop();
    return started;
  }
  const apiUrl = `http://127.0.0.1:${portOf(started.value.ports, 'api')}/api`;
  writeRunningStack(home, { schema: 1, pid: process.pid, apiUrl, startedAt: new Date(clock.now()).toISOString() });
  say(`the local stack runs after ${formatMs(clock.now() - startedMs)}`);
  return good(stackOf(started.value, starting, apiUrl, lock));
}

type StartingStack = Starting & { readonly supervisor: Supervisor };

function stackOf(plan: StackPlan, starting: StartingStack, apiUrl: string, lock: StackLock): Stack {
  const { layout, ports, secrets, hosts } = plan;
  const { supervisor } = starting;
  const steps = stagesOf(hosts).flat();
  return {
    apiUrl,
    layout,
    ports,
    secrets,
    supervisor,
    services: steps.map(({ service }) => service),
    startAgain: async (name) => {
      const step = steps.find(({ service }) => service === name);
      if (step === undefined) throw new Error(`the stack has no service "${name}"`);
      const started = await startStep(step, plan, starting);
      return started.ok ? good(undefined) : started;
    },
    stop: async () => {
      removeRunningStack(layout.home);
      await supervisor.stop();
      lock.release();
    },
  };
}

/** Starts the local stack in its state folder; one folder holds one at a time. */
export async function startStack(options: StackOptions): Promise<Result<Stack>> {
  const layout = layoutOf(options.home);
  let lock: StackLock | undefined;
  try {
    for (const folder of [options.home, layout.configFolder, layout.logFolder, layout.blobFolder, layout.appFolder])
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    lock = takeLock(options.home);
  } catch (thrown) {
    return bad({
      exit: 'localStack',
      title: 'the state folder cannot be used',
      detail: `${options.home}: ${describeThrown(thrown)}`,
      remedy: 'Give this user the right to write it, or set HYPERFERRY_HOME to another folder.',
    });
  }
  if (lock === undefined) return bad(heldBy(options.home));
  const started = await startLocked(options, layout, lock);
  if (!started.ok) lock.release();
  return started;
}
