import type { MigrationRequest } from '../../../contracts/migration';
import { narrowestLimit, widestLimit, type BandwidthLimit } from '../../../contracts/bandwidth';
import { check } from '../check';
import { byRoute, moves, stopsBy } from './applies';

const limitOf = ({ kind, policy }: MigrationRequest): BandwidthLimit =>
  kind === 'warm'
    ? { bytesPerSecondMax: policy.bandwidthBytesPerSecondMax, hours: policy.bandwidthHours }
    : { bytesPerSecondMax: null, hours: null };

const limited = { when: 'with a bandwidth limit', holds: (r: MigrationRequest) => narrowestLimit(limitOf(r)) !== null };

/** The guest, and how long it will be away. */
export const guestChecks = [
  check({
    id: 'heartbeat-service',
    severity: 'warning',
    code: 'HeartbeatMissing',
    kinds: [...moves, 'storage'],
    looksAt: ['vm.name', 'vm.state', 'vm.integration'],
    finds: 'The heartbeat integration service is off: the run cannot see whether the guest came up, and will ask.',
    remedy: 'Switch it on (Enable-VMIntegrationService), or look at the guest yourself when the run asks.',
    source: 'Microsoft: Manage Hyper-V Integration Services',
    look(see) {
      if (see['vm.state'] !== 'running' || see['vm.integration'].heartbeat) return undefined;
      return { message: `The heartbeat integration service of VM ${see['vm.name']} is off.` };
    },
  }),
  check({
    id: 'heartbeat-now',
    severity: 'warning',
    code: 'HeartbeatMissing',
    kinds: [...moves, 'storage'],
    looksAt: ['vm.name', 'vm.state', 'vm.integration', 'vm.heartbeat'],
    finds: 'The guest gives no heartbeat now, before anything was done to it.',
    remedy: 'Look at the guest first: what is wrong with it now will look like a failed move later.',
    source: 'Microsoft: Get-VMIntegrationService, "PrimaryStatusDescription"',
    look(see) {
      const looked = see['vm.state'] === 'running' && see['vm.integration'].heartbeat;
      if (!looked || see['vm.heartbeat'] === 'ok') return undefined;
      return { message: `The heartbeat of VM ${see['vm.name']} is ${see['vm.heartbeat']}.` };
    },
  }),
  check({
    id: 'shutdown-service',
    severity: 'critical',
    code: 'PreflightFailed',
    kinds: ['lan', 'warm'],
    scenario: { when: 'where the guest is shut down', holds: (r) => stopsBy(r) === 'shut-down' },
    looksAt: ['vm.name', 'vm.state', 'vm.integration'],
    finds: 'The shutdown integration service is off: the guest cannot be asked to shut down.',
    remedy: 'Switch it on (Enable-VMIntegrationService), or let the VM be saved (--stop save).',
    source: 'Microsoft: Stop-VM; Manage Hyper-V Integration Services',
    look(see) {
      if (see['vm.state'] !== 'running' || see['vm.integration'].shutdown) return undefined;
      return { message: `The shutdown integration service of VM ${see['vm.name']} is off.` };
    },
  }),
  check({
    id: 'automatic-start',
    severity: 'information',
    code: 'PreflightFailed',
    kinds: byRoute,
    scenario: {
      when: 'where the source is kept',
      holds: (r) => 'retire' in r.policy && r.policy.retire === 'keep',
    },
    looksAt: ['vm.name', 'vm.automaticStart'],
    finds: 'The VM starts with its host. The source that is kept does not: its fence holds over a restart of the host.',
    remedy: 'Do not remove the fence of the kept source while the VM runs at the destination.',
    source: 'Microsoft: Set-VM, "-AutomaticStartAction"; hyperferry: design, guarantee 2',
    look(see) {
      const action = see['vm.automaticStart'];
      return action === 'nothing'
        ? undefined
        : { message: `The automatic start action of VM ${see['vm.name']} is ${action}.` };
    },
  }),
  check({
    id: 'change-tracking',
    severity: 'warning',
    code: 'PreflightFailed',
    kinds: ['warm'],
    looksAt: ['source.changeTracking', 'vm.disks'],
    finds:
      'The source host cannot tell what changed on a disk: the rounds are made by differencing disks, one more each.',
    remedy:
      'Nothing, if the volume of the VM has room for what its guest writes; a VHDX on Windows Server 2016 or later is tracked.',
    source: 'Microsoft: Hyper-V Backup Approaches, "Resilient Change Tracking"',
    look(see) {
      if (!see['source.changeTracking']) return { message: 'The source host has no change tracking.' };
      const untracked = see['vm.disks'].filter(({ format, attachment }) => attachment === 'file' && format !== 'vhdx');
      if (untracked.length === 0) return undefined;
      const which = untracked.map(({ diskId, format }) => `${diskId} (${format})`).join(', ');
      return { message: `Not tracked: ${which}; differencing disks tell what changed on all disks of the VM.` };
    },
  }),
  check({
    id: 'change-rate',
    severity: 'warning',
    code: 'LagNotShrinking',
    kinds: ['warm'],
    scenario: limited,
    looksAt: ['vm.name', 'vm.state', 'vm.changedBytesPerSecond'],
    finds: 'The guest changes its disks as fast as the limit lets them be copied: the rounds will not shrink.',
    remedy: 'Lift the bandwidth limit, or run when the guest writes less.',
    source: 'hyperferry: decision 0012, rounds',
    look(see, request) {
      const [rate, limit] = [see['vm.changedBytesPerSecond'], widestLimit(limitOf(request))];
      if (limit === null || see['vm.state'] !== 'running' || rate < limit) return undefined;
      return {
        message: `VM ${see['vm.name']} changes ${rate} bytes a second; ${limit} is the most that the bandwidth limit allows.`,
      };
    },
  }),
  check({
    id: 'outage-memory',
    severity: 'warning',
    code: 'LagNotShrinking',
    kinds: ['warm'],
    scenario: limited,
    looksAt: ['vm.name', 'vm.state', 'vm.savedStateBytes'],
    finds: 'The saved memory alone takes longer to carry over than the outage that is allowed.',
    remedy: 'Let the guest be shut down (--stop shut-down), allow a longer outage, or lift the bandwidth limit.',
    source: 'hyperferry: decision 0012, rounds',
    look(see, request) {
      const limit = narrowestLimit(limitOf(request));
      if (request.kind !== 'warm' || limit === null || stopsBy(request) !== 'save') return undefined;
      const ms = Math.ceil((see['vm.savedStateBytes'] / limit) * 1000);
      if (see['vm.state'] !== 'running' || ms <= request.policy.outageMsMax) return undefined;
      return {
        message: `The memory of VM ${see['vm.name']} takes ${ms} ms at ${limit} bytes a second; outageMsMax is ${request.policy.outageMsMax}.`,
      };
    },
  }),
];
