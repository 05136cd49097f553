import {
  known,
  notKnown,
  type HostInspection,
  type InspectionRequest,
  type VmInspection,
} from '../../../contracts/inspection';
import { failureOf, type Outcome } from '../../../contracts/failure';
import type { DriverInspection } from '../driver';
import type { VmValue } from './calls/vm';
import { marksIn } from './marks';
import { isMerging, isSettled, memoryBytesOf, stateOf, vmFactsOf } from './facts';
import { findVm, type RealHost } from './host';

const notYet = notKnown('the PowerShell driver does not ask Hyper-V for this yet');
const asFact = <T, F>(read: Outcome<T>, pick: (value: T) => F) =>
  read.ok ? known(pick(read.value)) : notKnown(`${read.failure.code}: ${read.failure.message}`);

/** What the host can tell of a move before it. What is not asked for yet says so, so that no check takes it for a yes. */
export async function inspect(host: RealHost, request: InspectionRequest): Promise<DriverInspection> {
  const { runId, vmId, vmName, describesVm, folder, imports } = request;
  const facts = await host.client.call('read-host', { Roots: [...host.roots] });
  const all = await host.client.call('read-vms', {});
  const vm = await findVm(host, vmId);
  const promised = await host.runs.all();
  const inspected: HostInspection = {
    ...unknownHost,
    clock: known({ nowMs: Math.round(host.clock.now()) }),
    memory: asFact(facts, ({ memoryBytes, memoryFreeBytes }) => ({
      totalBytes: memoryBytes,
      freeBytes: memoryFreeBytes,
    })),
    switches: asFact(facts, ({ switches }) => switches),
  };
  return {
    host: inspected,
    presence: {
      registered: asFact(vm, (found) => (found === undefined ? null : { vmName: found.name, isRetired: false })),
      placeholderOf: known(null),
      promisedTo: asFact(promised, (files) => {
        const rival = files.find((one) => one.vmId === vmId && one.runId !== runId && one.room !== null);
        return rival?.runId ?? null;
      }),
      sameName: asFact(all, ({ vms }) =>
        vms.filter(({ id, name }) => id !== vmId && name === vmName).map(({ id }) => id),
      ),
    },
    vm: describesVm && vm.ok && vm.value !== undefined ? inspectVm(vm.value, request) : null,
    place: folder === null ? null : { allowed: false, why: 'the PowerShell driver takes no files yet' },
    imports:
      imports === null
        ? null
        : {
            found: false,
            failure: failureOf('DriverLacksOperation', { message: 'imports: not supported by this driver yet.' }),
          },
  };
}

const unknownHost: HostInspection = {
  clock: notYet,
  memory: notYet,
  logicalProcessors: notYet,
  processor: notYet,
  configurationVersions: notYet,
  switches: notYet,
  vlans: notYet,
  macAddresses: notYet,
  diskFormats: known(['vhd', 'vhdx']),
  guardians: notYet,
  attestedBy: notYet,
  changeTracking: notYet,
  liveMigration: notYet,
  migrationAuthentication: notYet,
  migrationNetworks: notYet,
  cluster: notYet,
  luns: notYet,
};

function inspectVm(vm: VmValue, { runId }: InspectionRequest): VmInspection {
  const { reservedBy, fencedBy } = marksIn(vm.notes);
  const ofAnother = (run: string | null) => (run === runId ? null : run);
  return {
    name: known(vm.name),
    state: isSettled(vm) ? known(stateOf(vm)) : notKnown(`it is ${vm.state}`),
    configurationVersion: known(vm.version),
    processorCount: known(vm.processorCount),
    memoryBytes: known(memoryBytesOf(vm)),
    savedStateBytes: notYet,
    marks: known({ reservedBy: ofAnother(reservedBy), fencedBy: ofAnother(fencedBy), retiredBy: null }),
    underWay: isMerging(vm) ? known('merge') : notYet,
    vmCheckpoints: notYet,
    isReplicated: notYet,
    disks: notYet,
    damage: notYet,
    fileBytes: notYet,
    volume: notYet,
    filesUsedBy: notYet,
    media: notYet,
    network: notYet,
    processor: notYet,
    security: notYet,
    assignedDevices: notYet,
    runsNestedVms: notYet,
    role: notYet,
    storage: notYet,
    integration: notYet,
    heartbeat: known(vmFactsOf(vm).heartbeat),
    automaticStart: notYet,
    changedBytesPerSecond: notYet,
  };
}
