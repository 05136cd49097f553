import { join, resolve } from 'node:path';
import type { HostFacts, Leftover, VmFacts } from '../../../contracts/facts';
import { describeThrown, failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import type { RunId, VmId } from '../../../contracts/ids';
import type { InspectionRequest } from '../../../contracts/inspection';
import type { OperationInput, OperationOutput, PullSubject } from '../../../contracts/operations';
import type { Clock } from '../../clock';
import { DiskError } from '../../disks/failures';
import { errorCode } from '../../thrown';
import { failureOfIo } from '../../files';
import type {
  DriverContext,
  DriverInspection,
  DriverOperationKind,
  HostFirewall,
  HyperVDriver,
  ServedFile,
} from '../driver';
import { KeyedLocks } from '../locks';
import { Client } from './calls/client';
import { Comparisons } from './comparisons';
import { withEvents } from './events';
import { vmFactsOf } from './facts';
import { plannedFactsOf } from './placing';
import { resolveBelowRoots } from '../paths';
import { findVm, type Handler, type RealHost } from './host';
import { windowsFirewall } from './firewall';
import { inspect } from './inspect';
import { findLeftovers } from './leftovers';
import { locateForReading, locateForWriting } from './locate';
import { operationTable, type Scope } from './operations';
import { orThrow } from './or-throw';
import { openPromises, promisedBytes, promisedMemoryBytes } from './promises';
import { RetiredFiles } from './retired-files';
import { RunFiles } from './run-files';
import type { Engine } from './worker/engine';
import { Lane } from './worker/lane';
import type { Transcript } from './worker/transcript';

export type PowerShellDriverOptions = {
  readonly engine: Engine;
  /** The folder of worker.ps1. */
  readonly scripts: string;
  /** The driver's own folder, for what Hyper-V does not remember. */
  readonly folder: string;
  /** Folders below which VMs may be placed. */
  readonly roots: readonly string[];
  readonly clock: Clock;
  readonly newGuid: () => string;
  readonly log: (message: string) => void;
  /** Told every call of the worker, secrets removed. */
  readonly transcript?: Transcript;
  /** The environment of the workers; that of this process by default. */
  readonly env?: NodeJS.ProcessEnv;
};

/** The scripts of this package: they are run as they are, and are not built. */
export const scriptsFolder = resolve(__dirname, '../../../../agent/hyperv/powershell/scripts');

const startMsMax = 5 * 60_000;
const answerBytesMax = 64 * 1024 ** 2;
const callsMax = 5_000;
const endMsMax = 30_000;

/** The driver of a real host. Workers are started at the first call. */
export const openPowerShellDriver = (options: PowerShellDriverOptions): HyperVDriver =>
  driverOver(openClient(options), options);

/** What asks the workers of a real host. They are started at the first call. */
export function openClient(options: Omit<PowerShellDriverOptions, 'folder' | 'roots'>): Client {
  const { engine, scripts, clock, newGuid, log, transcript, env } = options;
  const worker = {
    engine,
    script: join(scripts, 'worker.ps1'),
    clock,
    newGuid,
    noise: (line: string) => {
      log(`PowerShell: ${line}`);
    },
    startMsMax,
    answerBytesMax,
    callsMax,
    endMsMax,
    ...(env && { env }),
  };
  return new Client({
    lanes: { look: new Lane(worker), act: new Lane(worker) },
    clock,
    warn: log,
    ...(transcript && { transcript }),
  });
}

/** The driver of a host whose workers, or what takes their place, answer through `client`. */
export const driverOver = (
  client: Client,
  {
    folder,
    roots,
    clock,
    newGuid,
    log,
  }: Pick<PowerShellDriverOptions, 'folder' | 'roots' | 'clock' | 'newGuid' | 'log'>,
): HyperVDriver =>
  new PowerShellDriver({
    client,
    roots,
    runs: new RunFiles(join(folder, 'runs')),
    retired: new RetiredFiles(join(folder, 'retired')),
    comparisons: new Comparisons(join(folder, 'comparing'), client),
    locks: new KeyedLocks(),
    clock,
    newGuid,
    log,
  });

class PowerShellDriver implements HyperVDriver {
  readonly name = 'powershell';
  readonly firewall: HostFirewall;

  constructor(private readonly real: RealHost) {
    this.firewall = windowsFirewall(real.client);
  }

  async host(): Promise<Pick<HostFacts, 'memoryBytes' | 'memoryFreeBytes' | 'volumes' | 'switches'>> {
    const { client, roots, runs } = this.real;
    const facts = orThrow(await client.call('read-host', { Roots: [...roots] }));
    const promises = orThrow(await openPromises(runs));
    return {
      memoryBytes: facts.memoryBytes,
      memoryFreeBytes: Math.max(0, facts.memoryFreeBytes - promisedMemoryBytes(promises)),
      switches: facts.switches,
      // A root whose volume does not answer is no place for files now.
      volumes: facts.volumes
        .filter(({ error }) => error === null)
        .map(({ root, sizeBytes, freeBytes }) => ({
          root,
          sizeBytes,
          freeBytes,
          reservedBytes: promisedBytes(promises, root),
        })),
    };
  }

  async vms(): Promise<VmFacts[]> {
    const vms = await this.readVms();
    const noted = orThrow(await this.real.runs.all());
    const planned = noted.flatMap((file) =>
      plannedFactsOf(
        file,
        vms.find(({ id }) => id === file.vmId),
      ),
    );
    return [...vms.map(vmFactsOf), ...planned];
  }

  async vm(vmId: VmId): Promise<VmFacts | undefined> {
    const vm = orThrow(await findVm(this.real, vmId));
    if (vm !== undefined) return vmFactsOf(vm);
    const noted = orThrow(await this.real.runs.all());
    return noted.filter((file) => file.vmId === vmId).flatMap((file) => plannedFactsOf(file))[0];
  }

  inspect(request: InspectionRequest): Promise<DriverInspection> {
    return inspect(this.real, request);
  }

  async perform<K extends DriverOperationKind>(
    kind: K,
    context: DriverContext,
    input: OperationInput<K>,
  ): Promise<Outcome<OperationOutput<K>>> {
    const { vmId } = input;
    const { handler, locks } = operationTable[kind] as unknown as { handler: Handler<K>; locks: Scope };
    const { locks: keyed, clock } = this.real;
    const work = async () => {
      if (context.signal.aborted)
        return failed(
          failureOf('CanceledByOperator', { message: `${kind} was stopped before it began.`, subject: { vmId } }),
        );
      const sinceMs = clock.now();
      const done = await asValue(kind, vmId, () => handler(this.real, context, input));
      return done.ok ? done : failed(await withEvents(this.real, vmId, sinceMs, done.failure));
    };
    switch (locks) {
      case 'nothing':
        return work();
      case 'vm':
        return keyed.with(vmId, work);
      case 'room':
        return keyed.with(vmId, () => keyed.with('room', work));
    }
  }

  locateForReading(run: RunId, vmId: VmId, subject: PullSubject): Promise<Outcome<ServedFile>> {
    return asValue('pull', vmId, () => locateForReading(this.real, run, vmId, subject));
  }

  locateForWriting(
    run: RunId,
    vmId: VmId,
    folder: string,
    subject: PullSubject,
  ): Promise<Outcome<{ path: string; journalPath: string }>> {
    return asValue('pull', vmId, () => locateForWriting(this.real, run, vmId, folder, subject));
  }

  async locateSeed(path: string): Promise<Outcome<{ path: string; roots: readonly string[] }>> {
    const { roots } = this.real;
    const real = await resolveBelowRoots(path, roots[0] ?? '', roots);
    return real.ok ? succeeded({ path: real.value, roots }) : real;
  }

  async leftovers(run?: RunId): Promise<Leftover[]> {
    const { switches } = orThrow(await this.real.client.call('read-switches', {}));
    return findLeftovers(this.real, { vms: await this.readVms(), switches }, run);
  }

  /** Waits for operations and calls under way. */
  async close(): Promise<void> {
    await this.real.locks.idle();
    await this.real.client.close();
  }

  private async readVms() {
    return orThrow(await this.real.client.call('read-vms', {})).vms;
  }
}

/** Failures of the agent's own files as values; anything else that is thrown is a bug and goes on. */
async function asValue<T>(kind: string, vmId: VmId, work: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof DiskError) return failed(thrown.failure);
    if (errorCode(thrown) === undefined) throw thrown;
    return failed({ ...failureOfIo(thrown, `${kind}: ${describeThrown(thrown)}`, 'unknown'), subject: { vmId } });
  }
}
