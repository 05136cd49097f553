import type { Agent as HttpAgent } from 'node:http';
import { join } from 'node:path';
import { describeThrown, failed, failureOf, succeeded, type Outcome } from '../contracts/failure';
import { startListener, type Listener } from '../relay/listener';
import { createNonceMemory } from '../relay/nonces';
import { outboundAgent } from '../relay/proxy';
import { verifyRequest } from '../relay/signed-request';
import type { TokenProvider } from '../relay/token';
import { startAgentRoute, type AgentRoute } from './byte-route';
import { systemChance, type Chance } from './chance';
import { within, type Clock } from './clock';
import type { AgentConfig } from './config';
import type { StorageLook } from './disks/staged/look-at-storage';
import { hostFactsOf } from './host-facts';
import { createRouter } from './http/router';
import { GuardianFolder } from './guardians/folder';
import type { HyperVDriver } from './hyperv/driver';
import type { Log } from './log';
import { fieldsOf } from './operations/execution';
import { createCarryOut } from './operations/handlers';
import { DamagedLogError } from './operations/record-scan';
import { OperationRunner } from './operations/runner';
import { StartMarks } from './operations/start-marks';
import { OperationStore } from './operations/store';
import { openDriver } from './open-driver';
import { Opened } from './opened';
import { makeStateFolder } from './private-folder';
import { relayTokens } from './relay-tokens';
import { StagedRoute, type StagingStore } from './staged-route';
import { takeStateLock } from './state-lock';

/** An operation that was told to stop and has not after so long is complained of. */
const stopMsMax = 30_000;
/** How long the end of the agent waits for operations to stop at a safe point, and for answers to leave. */
const endMsMax = 8_000;
const drainMsMax = 3_000;
const pruneEveryMs = 24 * 3_600_000;

export type AgentParts = {
  readonly config: AgentConfig;
  readonly clock: Clock;
  readonly log: Log;
  /** By default that of the operating system; a simulation owns it. */
  readonly chance?: Chance;
  /** The staging containers of Blob Storage. */
  readonly stagingStore: StagingStore;
  readonly storageLook: StorageLook;
  /** Where a proxy is named; by default that of this process. */
  readonly env?: NodeJS.ProcessEnv;
};

export type Agent = {
  readonly byteRoutePort: number;
  /** Resolves when the relay is connected, or has once failed to be; the agent goes on trying. */
  readonly relayTried: Promise<'connected' | 'waiting'>;
  /** Takes nothing on any more, stops operations at their next safe point, closes guests, disks and files. Never rejects. */
  readonly stop: () => Promise<void>;
};

/**
 * Starts the agent: its state, Hyper-V, the byte route, the operations that were under way, and at last the listener on the relay, which
 * need not be there yet. A failure says what of the configuration or of the machine is in the way; nothing stays open then.
 */
export async function startAgent(parts: AgentParts): Promise<Outcome<Agent>> {
  const opened = new Opened(parts.log);
  try {
    const agent = await openAll(parts, opened);
    if (!agent.ok) await opened.closeAll();
    return agent;
  } catch (thrown) {
    await opened.closeAll();
    return failed(startFailure(thrown));
  }
}

async function openAll(parts: AgentParts, opened: Opened): Promise<Outcome<Agent>> {
  const { config, clock, log, stagingStore: storeOf, chance = systemChance, env = process.env } = parts;
  const { newGuid } = chance;
  const { stateFolder } = config;
  await makeStateFolder(stateFolder);
  const lock = takeStateLock(stateFolder);
  if (lock === undefined) return failed(stateFolderTaken(config));
  opened.add('lock', () => lock.release());
  await GuardianFolder.sweep(stateFolder, clock.now());
  const way = outboundAgent(config.relay.endpoint, env);
  if (!way.ok) return way;
  const tokens = await relayTokens(config.relay.identity, clock);
  const marks = await StartMarks.open(join(stateFolder, 'started'), clock);
  const store = await openStore(parts, opened);

  const driver = await openDriver({ config, clock, log, newGuid });
  if (!driver.ok) return driver;
  opened.add('driver', () => driver.value.close());
  const route = await startAgentRoute({ config, driver: driver.value, clock, log, newGuid });
  if (!route.ok) return route;
  const { served, pull } = route.value;
  opened.add('byte route', () => served.close());
  if (config.driver.type === 'powershell' && config.driver.firewallRule)
    admitPeers(parts, driver.value, served.port, opened);

  const { certificate, images } = route.value;
  const staged = new StagedRoute({ hostId: config.hostId, certificate, driver: driver.value, images, storeOf, clock });
  const carryOut = createCarryOut(driver.value, pull, staged);
  const { pullsAtOnceMax } = config.byteRoute;
  const runner = new OperationRunner({ store, marks, carryOut, clock, log, pullsAtOnceMax, stopMsMax });
  runner.resume();
  const listener = listen(parts, { tokens, way: way.value, driver: driver.value, route: route.value, runner, staged });
  log.info('agent started', { byteRoutePort: served.port, driver: driver.value.name });

  let stopping: Promise<void> | undefined;
  return succeeded({
    byteRoutePort: served.port,
    relayTried: relayTried(listener),
    stop: () => (stopping ??= stop(parts, runner, listener, opened)),
  });
}

/** Not waited for: without the rule this host can still be a destination, and a worker may take long to start. */
function admitPeers({ config: { hostId }, log }: AgentParts, { firewall }: HyperVDriver, port: number, opened: Opened) {
  if (firewall === undefined) return;
  void firewall.open(hostId, port).then((made) => {
    if (made.ok) log.info('the firewall admits peers', { port });
    else
      log.warn('the rule of the firewall could not be made', {
        port,
        code: made.failure.code,
        message: made.failure.message,
      });
  });
  opened.add('firewall rule', async () => {
    const removed = await firewall.close(hostId);
    if (!removed.ok)
      log.warn('the rule of the firewall is left', { code: removed.failure.code, message: removed.failure.message });
  });
}

async function openStore({ config, clock, log }: AgentParts, opened: Opened): Promise<OperationStore> {
  const store = await OperationStore.open({ folder: join(config.stateFolder, 'operations'), clock, log });
  opened.add('operation store', () => store.close());
  const ended = new AbortController();
  const pruned = pruneDaily(store, clock, ended.signal);
  opened.add('pruning', () => {
    ended.abort();
    return pruned;
  });
  return store;
}

async function pruneDaily(store: OperationStore, clock: Clock, signal: AbortSignal): Promise<void> {
  for (;;) {
    await clock.sleep(pruneEveryMs, signal);
    if (signal.aborted) return;
    await store.prune();
  }
}

type Served = {
  readonly tokens: TokenProvider;
  readonly way: HttpAgent | undefined;
  readonly driver: HyperVDriver;
  readonly route: AgentRoute;
  readonly staged: StagedRoute;
  readonly runner: OperationRunner;
};

function listen(
  { config, clock, log, storageLook, chance = systemChance }: AgentParts,
  { tokens, way, driver, route, staged, runner }: Served,
): Listener {
  const { hostId, appPublicKeys, relay } = config;
  const nonces = createNonceMemory();
  const handler = createRouter({
    hostId,
    driver,
    runner,
    renewAccess: (operationId, access) => staged.renew(operationId, access),
    lookAtStorage: (access) => storageLook(access, clock),
    host: () => hostFactsOf(config, driver, route, staged),
    authenticate: (request) => verifyRequest(appPublicKeys, request, { hostId, nowMs: clock.now(), nonces }),
    clock,
    log,
  });
  return startListener({
    endpoint: relay.endpoint,
    path: hostId,
    tokens,
    handler,
    clock,
    random: chance.random,
    log: ({ level, message }) => log[level]('relay', { message }),
    limits: { drainMsMax },
    ...(way && { agent: way }),
  });
}

function relayTried(listener: Listener): Promise<'connected' | 'waiting'> {
  return new Promise((resolve) => {
    const look = (): boolean => {
      const { name } = listener.state();
      if (name === 'connecting') return false;
      resolve(name === 'connected' ? 'connected' : 'waiting');
      return true;
    };
    if (look()) return;
    const leave = listener.onState(() => {
      if (look()) leave();
    });
  });
}

async function stop({ clock, log }: AgentParts, runner: OperationRunner, listener: Listener, opened: Opened) {
  log.info('agent ends', { operationsUnderWay: runner.underWay().length });
  // The relay keeps being answered while operations stop: a look that waits is let go by the runner's end.
  const [late] = await Promise.all([runner.close(endMsMax), listener.close()]);
  for (const operation of late) log.error('an operation was still at work when the agent ended', fieldsOf(operation));
  const closed = await within(clock, endMsMax, opened.closeAll());
  log.info('agent ended', { closed: closed === 'done' });
}

const stateFolderTaken = ({ stateFolder }: AgentConfig) =>
  failureOf('RequestInvalid', {
    message: `another agent uses the state folder ${stateFolder}`,
    subject: { field: 'stateFolder', value: stateFolder },
    remedy: 'End that agent, or give this one a state folder of its own.',
  });

function startFailure(thrown: unknown) {
  if (thrown instanceof DamagedLogError)
    return failureOf('JournalDamaged', {
      message: thrown.message,
      remedy:
        'Restore the file from a backup. Or move it away: this agent then knows nothing of the operations that were under way, ' +
        'nor of the epochs of runs; what it started stays on record.',
    });
  return failureOf('IoFailed', { message: `the agent cannot start: ${describeThrown(thrown)}`, effect: 'none' });
}
