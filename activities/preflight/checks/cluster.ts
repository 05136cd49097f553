import { isSameHost } from '../../../contracts/ids';
import { destinationHostOf } from '../../../contracts/migration';
import { check } from '../check';
import { byRoute, inCluster, toOtherHost } from './applies';

export const clusterChecks = [
  check({
    id: 'role-missing',
    severity: 'critical',
    code: 'NotClustered',
    kinds: inCluster,
    looksAt: ['vm.name', 'vm.role'],
    finds: 'The VM is no role of a cluster.',
    remedy:
      'Choose "shared-nothing", "quick-storage" or "warm", or make the VM a role (Add-ClusterVirtualMachineRole).',
    source: 'Microsoft: Move-ClusterVirtualMachineRole',
    look: (see) => (see['vm.role'] === null ? { message: `VM ${see['vm.name']} is no role of a cluster.` } : undefined),
  }),
  check({
    id: 'role-owner',
    severity: 'critical',
    code: 'NotClustered',
    kinds: inCluster,
    looksAt: ['vm.name', 'vm.role'],
    finds: 'Another node than the source host owns the role of the VM.',
    remedy: 'Name the node that owns it as the source host (Get-ClusterGroup).',
    source: 'Microsoft: Move-ClusterVirtualMachineRole; system error 0x80071398',
    look(see, { sourceHost }) {
      const role = see['vm.role'];
      if (role === null || isSameHost(role.owner, sourceHost)) return undefined;
      return { message: `The role of VM ${see['vm.name']} is owned by ${role.owner}, not by ${sourceHost}.` };
    },
  }),
  check({
    id: 'role-storage',
    severity: 'critical',
    code: 'StorageNotShared',
    kinds: ['storage', 'quick-storage'],
    scenario: { when: 'on the same host', holds: (r) => destinationHostOf(r) === r.sourceHost },
    looksAt: ['vm.name', 'vm.role', 'place.sharedVolume'],
    finds: 'The VM is a role of a cluster, and the folder is on no shared volume: no other node could start it.',
    remedy: 'Choose a folder on a shared volume of the cluster.',
    source: 'Microsoft: Move-VMStorage, "-AllowUnverifiedPaths"',
    look(see, request) {
      const role = see['vm.role'];
      if (role === null || see['place.sharedVolume'] !== null) return undefined;
      const folder = 'destinationFolder' in request ? request.destinationFolder : '';
      return {
        message: `VM ${see['vm.name']} is a role of cluster ${role.clusterName}; ${folder ?? ''} is on no shared volume.`,
      };
    },
  }),
  check({
    id: 'cluster-other',
    severity: 'critical',
    code: 'NotClustered',
    kinds: inCluster,
    looksAt: ['vm.role', 'destination.cluster'],
    finds: 'The destination host is no node of the cluster whose role the VM is.',
    remedy: 'Choose a node of that cluster (Get-ClusterNode), or "shared-nothing" once the role is taken away.',
    source: 'Microsoft: Move-ClusterVirtualMachineRole, "-Node"',
    look(see) {
      const [role, cluster] = [see['vm.role'], see['destination.cluster']];
      if (role === null || cluster?.name === role.clusterName) return undefined;
      return {
        message: `The VM is a role of cluster ${role.clusterName}; the destination host is in ${cluster?.name ?? 'none'}.`,
      };
    },
  }),
  check({
    id: 'node-up',
    severity: 'critical',
    code: 'NotClustered',
    mayPass: true,
    kinds: inCluster,
    looksAt: ['destination.cluster'],
    finds: 'The destination node is paused, down or joining: it takes no role.',
    remedy: 'Resume the node (Resume-ClusterNode), or choose one that is up.',
    source: 'Microsoft: Get-ClusterNode; Suspend-ClusterNode',
    look(see) {
      const cluster = see['destination.cluster'];
      if (cluster === null || cluster.node === 'up') return undefined;
      return { message: `The destination node of cluster ${cluster.name} is ${cluster.node}.` };
    },
  }),
  check({
    id: 'node-drained',
    severity: 'warning',
    code: 'NotClustered',
    kinds: [...byRoute, 'san', 'shared-nothing'],
    scenario: toOtherHost,
    looksAt: ['destination.cluster'],
    finds: 'The destination host is a node that somebody has paused, for maintenance as a rule.',
    remedy: 'Ask who paused it, or choose another host.',
    source: 'Microsoft: Suspend-ClusterNode',
    look(see) {
      const cluster = see['destination.cluster'];
      if (cluster === null || cluster.node === 'up') return undefined;
      return { message: `The destination host is a node of cluster ${cluster.name} that is ${cluster.node}.` };
    },
  }),
  check({
    id: 'quorum',
    severity: 'critical',
    code: 'NotClustered',
    kinds: inCluster,
    looksAt: ['source.cluster', 'destination.cluster'],
    finds: 'The cluster has no quorum: two nodes could each believe that they own the VM.',
    remedy: 'Bring nodes or the witness back first (Get-ClusterQuorum).',
    source: 'Microsoft: Configure and manage quorum',
    look(see) {
      const without = [see['source.cluster'], see['destination.cluster']].find((one) => one?.hasQuorum === false);
      return without ? { message: `Cluster ${without.name} has no quorum.` } : undefined;
    },
  }),
  check({
    id: 'shared-volume',
    severity: 'critical',
    code: 'StorageNotShared',
    kinds: inCluster,
    looksAt: ['vm.name', 'vm.storage', 'destination.cluster'],
    finds: 'Some file of the VM is on no shared volume that the destination node reaches.',
    remedy: 'Move the files to a shared volume (kind "storage"), bring the volume online, or choose "shared-nothing".',
    source: 'Microsoft: Use Cluster Shared Volumes in a failover cluster; Get-ClusterSharedVolumeState',
    look(see) {
      const storage = see['vm.storage'];
      if (storage?.type !== 'shared-volume')
        return { message: `Files of VM ${see['vm.name']} are on no shared volume of its cluster.` };
      const volume = see['destination.cluster']?.sharedVolumes.find(({ name }) => name === storage.name);
      if (volume !== undefined && volume.access !== 'offline') return undefined;
      return {
        message: `Shared volume ${storage.name} of VM ${see['vm.name']} is ${volume?.access ?? 'not there'} at the destination node.`,
      };
    },
  }),
  check({
    id: 'shared-volume-redirected',
    severity: 'warning',
    code: 'StorageNotShared',
    kinds: inCluster,
    looksAt: ['vm.storage', 'destination.cluster'],
    finds:
      'The destination node reaches the shared volume through another node only: the VM would be slow, and lost with that node.',
    remedy: 'Look why (Get-ClusterSharedVolumeState), or choose a node with direct access.',
    source: 'Microsoft: Get-ClusterSharedVolumeState, "StateInfo"',
    look(see) {
      const name = see['vm.storage']?.name;
      const volume = see['destination.cluster']?.sharedVolumes.find((one) => one.name === name);
      if (volume?.access !== 'redirected') return undefined;
      return { message: `Shared volume ${volume.name} is redirected at the destination node.` };
    },
  }),
];
