import { parseArgs } from 'node:util';
import { describeThrown, type Failure } from '../contracts/failure';
import { systemClock, within } from './clock';
import { loadConfig } from './config';
import { createLineLog, type Log } from './log';
import { startAgent, type Agent } from './service';

const usage = 'usage: node dist/agent/main.js --config FILE';
/** How long the first connection to the relay is waited for before this process says that it is ready. */
const relayMsMax = 5_000;

/** Exit codes: 0 ended on request, 1 ended by a fault, 2 the command line or the configuration is wrong. */
const exitCodes = { done: 0, fault: 1, usage: 2 } as const;

function configPathOf(args: readonly string[]): string | undefined {
  try {
    return parseArgs({ args: [...args], options: { config: { type: 'string' } } }).values.config;
  } catch {
    return undefined;
  }
}

const say = (log: Log, event: string, { code, message, remedy }: Failure): void =>
  log.error(event, { code, message, remedy });

/** Ends in order on SIGTERM and SIGINT, and at once on a second one. */
function endOnSignals(agent: Agent): void {
  let asked = false;
  const end = (): void => {
    if (asked) process.exit(exitCodes.fault);
    asked = true;
    void agent.stop().then(() => process.exit(exitCodes.done));
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}

async function main(args: readonly string[]): Promise<void> {
  const write = (line: string): void => void process.stderr.write(`${line}\n`);
  const path = configPathOf(args);
  if (path === undefined) {
    write(usage);
    process.exit(exitCodes.usage);
  }
  const config = loadConfig(path);
  if (!config.ok) {
    say(createLineLog(write, systemClock), 'the configuration cannot be used', config.failure);
    process.exit(exitCodes.usage);
  }
  const { hostId } = config.value;
  const log = createLineLog(write, systemClock, { hostId });
  process.on('uncaughtException', (thrown) => {
    log.error('bug: an exception that nobody caught', { reason: describeThrown(thrown), stack: thrown.stack });
    process.exit(exitCodes.fault);
  });

  const agent = await startAgent({ config: config.value, clock: systemClock, log });
  if (!agent.ok) {
    say(log, 'the agent cannot start', agent.failure);
    process.exit(agent.failure.code === 'RequestInvalid' ? exitCodes.usage : exitCodes.fault);
  }
  endOnSignals(agent.value);
  const tried = agent.value.relayTried.then((state) => {
    if (state === 'waiting') log.warn('the relay is not connected; the agent waits for it');
  });
  if ((await within(systemClock, relayMsMax, tried)) === 'late')
    log.warn('the relay does not answer; the agent waits for it');
  const { byteRoutePort } = agent.value;
  process.stdout.write(`${JSON.stringify({ ready: true, hostId, byteRoutePort })}\n`);
}

void main(process.argv.slice(2));
