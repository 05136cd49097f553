import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../agent/clock';
import { createLineLog } from '../../agent/log';
import type { CarryOut, StagedOperations } from '../../agent/operations/handlers';
import { OperationRunner } from '../../agent/operations/runner';
import { StartMarks } from '../../agent/operations/start-marks';
import { OperationStore } from '../../agent/operations/store';
import { parseTask, type Operation } from '../../agent/operations/task';
import { failed, failureOf, succeeded } from '../../contracts/failure';
import { operationId, runId } from '../../contracts/ids';
import type { OperationKind, OperationView } from '../../contracts/operations';
import { ManualClock } from './manual-clock';
import { tempFolder } from './temp-folder';

const noContainer = failed(failureOf('StorageUnavailable', { message: 'there is no container' }));
/** A staged route without a container. */
export const notStaged: StagedOperations = { stage: async () => noContainer, pull: async () => noContainer };

const staged = {
  subject: { type: 'image', diskId: 'scsi-0-0', index: 0 },
  name: 'scsi-0-0_0',
  staging: { access: { containerUrl: 'https://storage.test/a', sas: 'sig=first', expiresAtMs: 1 }, sealedKey: 'first' },
  bandwidthBytesPerSecondMax: null,
  ledgerWatermarkBytes: null,
};

export const vmA = '6f9619ff-8b86-d011-b42d-00c04fc964ff';
export const vmB = '11111111-2222-3333-4444-555555555555';

const imported = {
  folder: '/vms/web',
  sourceFolder: '/exports/web',
  exportedVmId: '6f9619ff-8b86-d011-b42d-00c04fc964ff',
  name: null,
  switchName: null,
  diskPaths: [],
};

const needs = {
  vmName: 'web',
  hasMemoryState: false,
  memoryBytes: 1,
  fileBytes: 1,
  configurationVersion: '10.0',
  processorMaker: 'maker',
  processorFeatures: [],
  switchName: null,
  vlanId: null,
  clusterName: null,
  storage: null,
};

const inputs: Partial<Record<OperationKind, object>> = {
  'place-vm': { vmName: 'web', folder: '/vms/web' },
  'remove-placeholder': { folder: '/vms/web' },
  'reserve-room': { folder: '/vms/web', roomBytes: 1, memoryBytes: 1 },
  'import-configuration': { folder: '/vms/web', switchName: null },
  'merge-disks': { folder: '/vms/web' },
  'digest-disks': { scope: 'all', side: 'source' },
  'start-vm': { folder: '/vms/web' },
  'await-heartbeat': { waitMsMax: 1000 },
  'retire-vm': { retire: 'delete' },
  'begin-round': { round: 0 },
  'end-round': { round: 0 },
  'export-vm': { folder: '/exports', part: 'whole', vmCheckpointId: null },
  'publish-export': { folder: '/exports' },
  'remove-unpublished': { folder: '/exports' },
  'compare-import': imported,
  'copy-import': imported,
  'adopt-import': imported,
  'admit-vm': { needs, brings: { type: 'memory' } },
  'locate-vm': { folder: null },
  'move-live': { peerHost: 'host-1' },
  'move-storage': { folder: '/vms/web' },
  'move-whole': { folder: '/vms/web', peerHost: 'host-1', switchName: null },
  'move-role': { peerHost: 'host-1' },
  'return-role': { peerHost: 'host-1' },
  'make-role': { settings: null },
  'make-switch': { name: 'lab', type: 'private' },
  'detach-lun': { lun: 'lun-1' },
  'attach-lun': { lun: 'lun-1' },
  'register-vm': { folder: '/vms/web', switchName: null },
  stage: staged,
  'pull-staged': { folder: '/vms/web', ...staged },
  pull: {
    subject: { type: 'image', diskId: 'scsi-0-0', index: 0 },
    folder: '/vms/web',
    peer: { hostId: 'host-1', address: '127.0.0.1', port: 1, certificateSha256: 'ab', ticket: 'first ticket' },
    bandwidthBytesPerSecondMax: null,
    ledgerWatermarkBytes: null,
  },
};

/** An input that the schema of the kind takes. */
export const inputOf = (kind: OperationKind, vm = vmA): object => ({ vmId: vm, ...inputs[kind] });

type Asked = { readonly run?: string; readonly epoch?: number; readonly vm?: string; readonly input?: object };

export function operationOf(
  id: string,
  kind: OperationKind,
  { run = 'move-r1', epoch = 1, vm, input }: Asked = {},
): Operation {
  const task = parseTask(kind, { ...inputOf(kind, vm), ...input });
  if (!task.ok) throw new Error(task.failure.message);
  return { operationId: operationId.parse(id), runId: runId.parse(run), epoch, task: task.value };
}

/** A handler whose operations end when the test says so. */
export class HeldHandler {
  readonly started: string[] = [];
  readonly stopped: string[] = [];
  readonly #gates = new Map<string, PromiseWithResolvers<Awaited<ReturnType<CarryOut>>>>();
  readonly #arrivals = new Map<string, PromiseWithResolvers<Parameters<CarryOut>[1]>>();

  readonly carryOut: CarryOut = async ({ operationId: id }, context) => {
    this.started.push(id);
    this.#arrival(id).resolve(context);
    context.signal.addEventListener('abort', () => this.stopped.push(id));
    if (context.signal.aborted) this.stopped.push(id);
    return this.#gate(id).promise;
  };

  /** Resolves with its context when the handler of the operation has begun. */
  begun(id: string): Promise<Parameters<CarryOut>[1]> {
    return this.#arrival(id).promise;
  }

  end(id: string, outcome: Awaited<ReturnType<CarryOut>> = succeeded({ by: id })): void {
    this.#gate(id).resolve(outcome);
  }

  throw(id: string, thrown: unknown): void {
    this.#gate(id).reject(thrown);
  }

  #gate(id: string) {
    const gate = this.#gates.get(id) ?? Promise.withResolvers();
    this.#gates.set(id, gate);
    return gate;
  }

  #arrival(id: string) {
    const arrival = this.#arrivals.get(id) ?? Promise.withResolvers();
    this.#arrivals.set(id, arrival);
    return arrival;
  }
}

export type Opened = { readonly runner: OperationRunner; readonly store: OperationStore; readonly marks: StartMarks };

/** A runner over a real store in a folder of its own, which can be closed or abandoned and opened again. */
export class Workbench {
  readonly clock = new ManualClock();
  readonly lines: string[] = [];
  readonly folder: string;

  readonly #stores: OperationStore[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<Workbench> {
    return new Workbench(await tempFolder('agent'));
  }

  /** What a start of the agent does. The last one is taken for dead: it is not closed here. */
  async open(carryOut: CarryOut, clock: Clock = this.clock): Promise<Opened> {
    const log = createLineLog((line) => this.lines.push(line), clock);
    const store = await OperationStore.open({ folder: join(this.folder, 'operations'), clock, log });
    this.#stores.push(store);
    const marks = await StartMarks.open(join(this.folder, 'started'), clock);
    const runner = new OperationRunner({ store, marks, carryOut, clock, log, pullsAtOnceMax: 2, stopMsMax: 30_000 });
    runner.resume();
    return { runner, store, marks };
  }

  /** The lines of the log with this event. */
  logged(event: string): string[] {
    return this.lines.filter((line) => line.includes(`"event":"${event}"`));
  }

  async remove(): Promise<void> {
    // Those that a test closed itself refuse.
    await Promise.allSettled(this.#stores.map((store) => store.close()));
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The view of an operation that ends by itself, within five seconds of real time. */
export async function ended(runner: OperationRunner, id: string): Promise<OperationView> {
  const deadline = AbortSignal.timeout(5000);
  const view = await runner.waitForEnd(operationId.parse(id), Number.MAX_SAFE_INTEGER, deadline);
  if (!view.ok) throw new Error(view.failure.message);
  if (view.value.state === 'running') throw new Error(`${id} does not end: ${JSON.stringify(view.value)}`);
  return view.value;
}

/** Lets what is ready to run have run, files and all. */
export const settle = (ms = 20): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
