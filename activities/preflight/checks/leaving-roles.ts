import { destinationHostOf, roleOf } from '../../../contracts/migration';
import { check, type Scenario } from '../check';
import { byRoute, toOtherHost } from './applies';

/** Kinds that can take a VM off its cluster, and remove its role if they are told to. */
const removing = [...byRoute, 'shared-nothing'] as const;

const unsaid: Scenario = {
  when: 'to another host, where the request says nothing of the role',
  holds: (request) => toOtherHost.holds(request) && roleOf(request) === undefined,
};
const removed: Scenario = { when: 'where the role is removed', holds: (request) => roleOf(request) !== undefined };
const left: Scenario = { when: 'where the role is left behind', holds: (request) => roleOf(request) === 'leave' };
const made: Scenario = { when: 'where a role is made', holds: (request) => roleOf(request) === 'make' };

/** Of VMs that leave their cluster, and of those that come to one. */
export const leavingRoleChecks = [
  check({
    id: 'role-left-behind',
    severity: 'critical',
    code: 'NotClustered',
    kinds: [...removing, 'san'],
    scenario: unsaid,
    looksAt: ['vm.name', 'vm.role'],
    finds:
      'The VM is a role of a cluster, which would start it again on one of its nodes while it runs at the destination.',
    remedy:
      'Say what becomes of the role (--role leave or make; "san" has no such choice), choose "live" or "quick" inside the cluster, or take the role away first (Remove-ClusterGroup -VMId … -RemoveResources).',
    source: 'hyperferry: design, guarantee 2; Microsoft: Remove-ClusterGroup',
    look(see) {
      const role = see['vm.role'];
      if (role === null) return undefined;
      const message = `VM ${see['vm.name']} is a role of cluster ${role.clusterName}, and this kind leaves the role behind.`;
      return { message };
    },
  }),
  check({
    id: 'role-holds-more',
    severity: 'critical',
    code: 'RoleHoldsMore',
    kinds: removing,
    scenario: removed,
    looksAt: ['vm.name', 'vm.roleResources'],
    finds: 'The role of the VM holds other resources, which would be removed with it.',
    remedy: 'Move them to a role of their own (Move-ClusterResource), or see to the role by hand first.',
    source: 'hyperferry: decision 0031; Microsoft: Remove-ClusterGroup, "-RemoveResources"',
    look(see) {
      const others = see['vm.roleResources'];
      if (others.length === 0) return undefined;
      return { message: `The role of VM ${see['vm.name']} holds more: ${others.join(', ')}.` };
    },
  }),
  check({
    id: 'role-quorum',
    severity: 'critical',
    code: 'NotClustered',
    kinds: removing,
    scenario: removed,
    looksAt: ['vm.role', 'source.cluster', 'destination.cluster'],
    finds: 'A cluster whose role is to be removed or made has no quorum: it takes no change.',
    remedy: 'Bring nodes or the witness back first (Get-ClusterQuorum).',
    source: 'Microsoft: Configure and manage quorum',
    look(see, request) {
      const changed = [
        ...(see['vm.role'] === null ? [] : [see['source.cluster']]),
        ...(roleOf(request) === 'make' ? [see['destination.cluster']] : []),
      ];
      const without = changed.find((one) => one?.hasQuorum === false);
      return without ? { message: `Cluster ${without.name} has no quorum.` } : undefined;
    },
  }),
  check({
    id: 'role-nowhere',
    severity: 'critical',
    code: 'NotClustered',
    kinds: removing,
    scenario: made,
    looksAt: ['destination.cluster'],
    finds: 'A role is to be made, and the destination host is no node of a cluster.',
    remedy: 'Choose a node of a cluster, or leave the role behind (--role leave).',
    source: 'Microsoft: Add-ClusterVirtualMachineRole',
    look: (see, request) =>
      see['destination.cluster'] === null
        ? { message: `Host ${destinationHostOf(request)} is no node of a cluster.` }
        : undefined,
  }),
  check({
    id: 'role-folder',
    severity: 'critical',
    code: 'StorageNotShared',
    kinds: removing,
    scenario: made,
    looksAt: ['place.sharedVolume'],
    finds: 'A role is to be made, and the folder is on no shared volume: no other node could start the VM.',
    remedy: 'Choose a folder on a shared volume of the cluster of the destination, or leave the role behind.',
    source: 'Microsoft: Add-ClusterVirtualMachineRole; Use Cluster Shared Volumes in a failover cluster',
    look(see, request) {
      if (see['place.sharedVolume'] !== null) return undefined;
      const folder = 'destinationFolder' in request ? request.destinationFolder : '';
      return { message: `${folder ?? ''} is on no shared volume of the cluster.` };
    },
  }),
  check({
    id: 'role-given-up',
    severity: 'warning',
    code: 'NotClustered',
    kinds: removing,
    scenario: left,
    looksAt: ['vm.name', 'vm.role'],
    finds:
      'The VM is a role of a cluster, and is none any more from its cutover on: nobody starts it when its host fails.',
    remedy:
      'Nothing, if that is meant; else choose a destination in a cluster and have the role made there (--role make).',
    source: 'hyperferry: decision 0031; Microsoft: Remove-ClusterGroup',
    look(see) {
      const role = see['vm.role'];
      if (role === null) return undefined;
      return { message: `VM ${see['vm.name']} is a role of cluster ${role.clusterName}, and will be none.` };
    },
  }),
  check({
    id: 'role-interrupted',
    severity: 'information',
    code: 'NotClustered',
    kinds: removing,
    scenario: made,
    looksAt: ['vm.name', 'vm.role'],
    finds:
      'The VM is a role of a cluster, and is none from its cutover on until its guest has answered at the destination: nobody starts it meanwhile. Group sets, dependencies between groups and affinity rules do not go along.',
    remedy: 'Nothing; make sets, dependencies and rules again where there are any.',
    source: 'hyperferry: decision 0031; Microsoft: Add-ClusterVirtualMachineRole',
    look(see) {
      const role = see['vm.role'];
      if (role === null) return undefined;
      return { message: `VM ${see['vm.name']} is a role of cluster ${role.clusterName}, and will be one of another.` };
    },
  }),
];
