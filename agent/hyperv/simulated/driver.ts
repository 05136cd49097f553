import { randomUUID } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import type { HostFacts, Leftover, VmFacts } from '../../../contracts/facts';
import { describeThrown, failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import type { RunId, VmId } from '../../../contracts/ids';
import type { InspectionRequest } from '../../../contracts/inspection';
import type { OperationInput, OperationOutput, PullSubject } from '../../../contracts/operations';
import { systemClock, type Clock } from '../../clock';
import { DiskError } from '../../disks/failures';
import type { DriverContext, DriverInspection, DriverOperationKind, HyperVDriver, ServedFile } from '../driver';
import { plannedFacts, registeredFacts } from './facts';
import { Fabric } from './fabric/fabric';
import { listen } from './fabric/listener';
import { ifExists } from '../../files';
import { errorCode, refusalOfVolume } from '../../thrown';
import { readJson, removeUnfinishedWrites } from '../files';
import { putGuestsOnStandby } from './guests';
import type { SimulationHooks } from './hooks';
import { inspect } from './inspect';
import { layoutOf, livePath, mapHostPaths } from './layout';
import { findLeftovers } from './leftovers';
import { resolveOnHost, rootsOf, type SimulatedHost } from './host';
import { locateForReading, locateForWriting } from './locate';
import { KeyedLocks } from '../locks';
import { lockHost } from './host-lock';
import { finishStart } from './operations/start-vm';
import { operationTable } from './operations/tables';
import type { Scope } from './operations/tables/entry';
import { bringingUp, bringUp } from './power';
import { hostRecord } from './records';
import { HostState } from './state';
import { switchNamesOf } from './switches';
import { memoryFreeBytes, volumeUse } from './volumes';

export type SimulatedDriverOptions = {
  /** The folder that `createHost` made. */
  readonly folder: string;
  readonly clock?: Clock;
  readonly newGuid?: () => string;
  readonly log?: (message: string) => void;
  /** Faults, for tests. */
  readonly hooks?: SimulationHooks;
};

/**
 * Brings a simulated host up: what a crash left half done is finished, and every VM that was running starts again, cold when the
 * agent did not stop on purpose. A VM that cannot start is logged, stays without a heartbeat, and is tried again.
 *
 * Failures: RequestInvalid when the folder holds no host, IoFailed when another process has it.
 */
export async function openSimulatedDriver(options: SimulatedDriverOptions): Promise<Outcome<HyperVDriver>> {
  const invalid = (why: string) =>
    failed(failureOf('RequestInvalid', { message: `${options.folder} holds no simulated host: ${why}.` }));
  const log = options.log ?? (() => undefined);
  const { hooks } = options;
  const given = layoutOf(options.folder);
  const read = await readJson(given.hostFile, hostRecord);
  if (read.state === 'absent') return invalid('host.json is not there');
  if (read.state === 'damaged') return invalid(`host.json cannot be read: ${read.reason}`);
  const layout = layoutOf(await realpath(given.folder));
  const lock = await lockHost(layout.lockFile);
  if (!lock.ok) return lock;
  for (const folder of [layout.vmsFolder, layout.retiredFolder, layout.switchesFolder])
    await removeUnfinishedWrites(folder);
  const live = mapHostPaths(read.value, livePath(layout));
  const fabric = live.fabric === null ? undefined : await openFabric(live.fabric);
  if (typeof fabric === 'string') return invalid(fabric);
  const volumes = await Promise.all(
    [...live.volumes, ...(fabric?.volumes ?? [])].map(async (one) => ({ ...one, root: await realpath(one.root) })),
  );
  const ending = new AbortController();
  const host: SimulatedHost = {
    layout,
    record: { ...live, volumes },
    state: await HostState.load(
      layout,
      volumes.map((volume) => volume.root),
      log,
    ),
    guests: new Map(),
    locks: new KeyedLocks(),
    fabric,
    jobs: new Map(),
    clock: options.clock ?? systemClock,
    newGuid: options.newGuid ?? randomUUID,
    log,
    reached: async (point) => hooks?.reached?.(point),
    bringUpLater: (vmId) => later(vmId),
  };
  const later = bringingUp(host, ending.signal);
  await comeUp(host);
  const listening = fabric === undefined ? Promise.resolve() : listen(host, ending.signal);
  const stop = async (): Promise<void> => {
    ending.abort();
    await listening;
  };
  return succeeded(new SimulatedDriver(host, hooks ?? {}, stop, lock.value));
}

/** The host that a simulated driver drives, for what takes the place of its hypervisor in tests. */
export function hostBehind(driver: HyperVDriver): SimulatedHost {
  if (driver instanceof SimulatedDriver) return driver.simulated;
  throw new Error('this is no driver of a simulated host');
}

/** Below its real folder, since the paths of files are compared with those of its volumes once links are followed. */
async function openFabric({
  folder,
  name,
}: {
  readonly folder: string;
  readonly name: string;
}): Promise<Fabric | string> {
  const real = await ifExists(realpath(folder));
  return real === undefined ? `${folder}, which it shares with other hosts, is not there` : Fabric.open(real, name);
}

async function comeUp(host: SimulatedHost): Promise<void> {
  for (const { vmId } of host.state.vms) {
    try {
      await finishStart(host, vmId);
    } catch (thrown) {
      host.log(`the start of VM ${vmId} could not be finished: ${describeThrown(thrown)}`);
    }
    if (!(await bringUp(host, vmId))) host.bringUpLater(vmId);
  }
}

class SimulatedDriver implements HyperVDriver {
  readonly name = 'simulated';

  constructor(
    readonly simulated: SimulatedHost,
    private readonly hooks: SimulationHooks,
    private readonly stopListening: () => Promise<void>,
    private readonly unlock: () => Promise<void>,
  ) {}

  async host(): Promise<Pick<HostFacts, 'memoryBytes' | 'memoryFreeBytes' | 'volumes' | 'switches'>> {
    const { record, state, fabric } = this.simulated;
    // A LUN that another host has is no place for files of this one.
    const present = record.volumes.filter(({ root }) => fabric?.isMasked(root) !== true);
    return {
      memoryBytes: record.memoryBytes,
      memoryFreeBytes: memoryFreeBytes(record, state),
      volumes: await Promise.all(present.map((volume) => volumeUse(volume, state))),
      switches: switchNamesOf(this.simulated),
    };
  }

  async vms(): Promise<VmFacts[]> {
    const { state } = this.simulated;
    const registered = state.vms.map((vm) => registeredFacts(this.simulated, vm));
    return Promise.all([...registered, ...state.planned.map((planned) => plannedFacts(this.simulated, planned))]);
  }

  async vm(vmId: VmId): Promise<VmFacts | undefined> {
    const { state } = this.simulated;
    const registered = state.vm(vmId);
    if (registered !== undefined) return registeredFacts(this.simulated, registered);
    const planned = state.planned.find((one) => one.vmId === vmId);
    return planned && plannedFacts(this.simulated, planned);
  }

  inspect(request: InspectionRequest): Promise<DriverInspection> {
    return inspect(this.simulated, request);
  }

  async perform<K extends DriverOperationKind>(
    kind: K,
    context: DriverContext,
    input: OperationInput<K>,
  ): Promise<Outcome<OperationOutput<K>>> {
    const refusal = this.hooks.refuse?.(kind);
    if (refusal !== undefined) return failed(refusal);
    const { handler, scope } = operationTable[kind];
    const canceled = () =>
      failed(failureOf('CanceledByOperator', { message: `${kind} was stopped before it began.`, effect: 'none' }));
    return this.locked(scope, context.runId, input.vmId, () =>
      asValue(kind, input.vmId, async () =>
        context.signal.aborted ? canceled() : handler(this.simulated, context, input),
      ),
    );
  }

  locateForReading(run: RunId, vmId: VmId, subject: PullSubject): Promise<Outcome<ServedFile>> {
    return asValue('pull', vmId, () => locateForReading(this.simulated, run, vmId, subject));
  }

  locateForWriting(
    run: RunId,
    vmId: VmId,
    folder: string,
    subject: PullSubject,
  ): Promise<Outcome<{ path: string; journalPath: string }>> {
    return asValue('pull', vmId, () => locateForWriting(this.simulated, run, vmId, folder, subject));
  }

  async locateSeed(path: string): Promise<Outcome<{ path: string; roots: readonly string[] }>> {
    const real = await resolveOnHost(this.simulated, path);
    return real.ok ? succeeded({ path: real.value, roots: rootsOf(this.simulated) }) : real;
  }

  leftovers(run?: RunId): Promise<Leftover[]> {
    return findLeftovers(this.simulated, run);
  }

  /** Waits for operations under way, and puts the guests on standby: they go on when the host is opened again. */
  async close(): Promise<void> {
    await this.stopListening();
    await this.simulated.locks.idle();
    await putGuestsOnStandby(this.simulated);
    await this.simulated.locks.idle();
    await this.unlock();
  }

  /** Locks are taken in one order: VM, placeholder, room. */
  private locked<T>(scope: Scope, run: RunId, vmId: VmId, work: () => Promise<T>): Promise<T> {
    const { locks } = this.simulated;
    const ofPlaceholder = (inner: () => Promise<T>) => locks.with(`placeholder ${run} ${vmId}`, inner);
    switch (scope) {
      case 'nothing':
        return work();
      case 'vm':
        return locks.with(vmId, work);
      case 'placeholder':
        return ofPlaceholder(work);
      case 'both':
        return locks.with(vmId, () => ofPlaceholder(work));
      case 'room':
        return ofPlaceholder(() => locks.with('room', work));
    }
  }
}

/** Failures of disks and of the operating system as values; anything else that is thrown is a bug and goes on. */
async function asValue<T>(kind: string, vmId: VmId, work: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof DiskError) return failed(thrown.failure);
    if (errorCode(thrown) === undefined) throw thrown;
    const message = `${kind}: ${describeThrown(thrown)}`;
    const about = { message, subject: { vmId }, effect: 'unknown' } as const;
    return failed(failureOf(refusalOfVolume(thrown) ?? 'IoFailed', about));
  }
}
