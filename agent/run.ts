import { describeThrown, type Failure } from '../contracts/failure';
import { systemClock, within } from './clock';
import { loadConfig } from './config';
import { azureStore } from './disks/staged/azure-store';
import { lookAtStorage } from './disks/staged/look-at-storage';
import { createLineLog, type Log } from './log';
import { startAgent } from './service';

/** How long the first connection to the relay is waited for before the agent says that it is ready. */
const relayMsMax = 5_000;

/** `refused`: the configuration, or something that it names, cannot be used. */
export type RunEnd = 'done' | 'fault' | 'refused';

export type RunOptions = {
  readonly configPath: string;
  /** One line of the log. */
  readonly write: (line: string) => void;
  /** Told once the agent answers. */
  readonly ready: (told: { readonly ready: true; readonly hostId: string; readonly byteRoutePort: number }) => void;
  /** Ends the agent in order. */
  readonly signal: AbortSignal;
};

const say = (log: Log, event: string, { code, message, remedy }: Failure): void =>
  log.error(event, { code, message, remedy });

/** Runs an agent until `signal` is aborted. It is the work of a whole process: an exception that nobody catches ends that with 1. */
export async function runAgent({ configPath, write, ready, signal }: RunOptions): Promise<RunEnd> {
  const config = loadConfig(configPath);
  if (!config.ok) {
    say(createLineLog(write, systemClock), 'the configuration cannot be used', config.failure);
    return 'refused';
  }
  const { hostId } = config.value;
  const log = createLineLog(write, systemClock, { hostId });
  process.on('uncaughtException', (thrown) => {
    log.error('bug: an exception that nobody caught', { reason: describeThrown(thrown), stack: thrown.stack });
    process.exit(1);
  });

  const agent = await startAgent({
    config: config.value,
    clock: systemClock,
    log,
    stagingStore: azureStore,
    storageLook: lookAtStorage,
  });
  if (!agent.ok) {
    say(log, 'the agent cannot start', agent.failure);
    return agent.failure.code === 'RequestInvalid' ? 'refused' : 'fault';
  }
  const asked = aborted(signal);
  const tried = agent.value.relayTried.then((state) => {
    if (state === 'waiting') log.warn('the relay is not connected; the agent waits for it');
  });
  if ((await within(systemClock, relayMsMax, Promise.race([tried, asked]))) === 'late')
    log.warn('the relay does not answer; the agent waits for it');
  ready({ ready: true, hostId, byteRoutePort: agent.value.byteRoutePort });
  await asked;
  await agent.value.stop();
  return 'done';
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
