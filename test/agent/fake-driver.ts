import type { DriverContext, DriverInspection, DriverOperationKind, HyperVDriver } from '../../agent/hyperv/driver';
import type { VmFacts } from '../../contracts/facts';
import { failed, failureOf, succeeded, type Outcome } from '../../contracts/failure';
import { runId, vmId, type RunId, type VmId } from '../../contracts/ids';
import type { InspectionRequest } from '../../contracts/inspection';
import { operations, type OperationInput, type OperationKind, type OperationOutput } from '../../contracts/operations';
import { healthyInspection } from '../samples/inspections';
import { sampleOutputs } from '../samples/operation-outputs';
import { vmA } from './workbench';

export const fakeVm = (id: string, name = 'web'): VmFacts => ({
  vmId: vmId.parse(id),
  name,
  state: 'running',
  generation: 2,
  configurationVersion: '10.0',
  processorCount: 2,
  memoryBytes: 1024,
  switchName: null,
  configurationPath: `/vms/${name}`,
  disks: [],
  vmCheckpointCount: 0,
  heartbeat: 'ok',
  reservedBy: null,
  fencedBy: null,
});

/** Hyper-V as far as the agent above it can tell: it succeeds at once, unless a test says otherwise. */
export class FakeDriver implements HyperVDriver {
  readonly name = 'simulated';
  readonly performed: { kind: OperationKind; run: RunId }[] = [];
  readonly vmsHere: VmFacts[] = [fakeVm(vmA)];
  /** What a test has an operation do instead. */
  instead: ((kind: DriverOperationKind, context: DriverContext) => Promise<Outcome<unknown> | undefined>) | undefined;
  closed = false;

  async host() {
    return { memoryBytes: 4096, memoryFreeBytes: 1024, volumes: [], switches: ['lan'] };
  }

  async vms(): Promise<VmFacts[]> {
    return this.vmsHere;
  }

  async vm(id: VmId): Promise<VmFacts | undefined> {
    return this.vmsHere.find((vm) => vm.vmId === id);
  }

  async inspect({ describesVm, folder, imports }: InspectionRequest): Promise<DriverInspection> {
    const { host, presence, vm, place, imports: found } = healthyInspection;
    return {
      host,
      presence,
      vm: describesVm ? vm : null,
      place: folder === null ? null : place,
      imports: imports === null ? null : found,
    };
  }

  async perform<K extends DriverOperationKind>(
    kind: K,
    context: DriverContext,
    _input: OperationInput<K>,
  ): Promise<Outcome<OperationOutput<K>>> {
    this.performed.push({ kind, run: context.runId });
    const instead = await this.instead?.(kind, context);
    if (instead === undefined) return succeeded(sampleOutputs[kind]);
    return instead.ok ? succeeded(operations[kind].output.parse(instead.value) as OperationOutput<K>) : instead;
  }

  async locateForReading(): Promise<Outcome<{ path: string }>> {
    return failed(failureOf('VmNotFound', { message: 'the fake serves no files' }));
  }

  async locateForWriting(
    _run: RunId,
    _vm: VmId,
    folder: string,
  ): Promise<Outcome<{ path: string; journalPath: string }>> {
    if (folder.startsWith('/vms')) return succeeded({ path: `${folder}/disk.vhdx`, journalPath: `${folder}/journal` });
    return failed(failureOf('PathOutsideRoots', { message: `${folder} is outside of /vms` }));
  }

  async locateSeed(path: string): Promise<Outcome<{ path: string; roots: readonly string[] }>> {
    if (path.startsWith('/vms')) return succeeded({ path, roots: ['/vms'] });
    return failed(failureOf('PathOutsideRoots', { message: `${path} is outside of /vms` }));
  }

  async leftovers(run = runId.parse('old-r1')) {
    return [{ what: 'reservation' as const, runId: run, detail: 'memory' }];
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}
