import { isSameHost } from '../../../contracts/ids';
import { check } from '../check';

/** The LUN of the VM among those of a host. */
const lunIn = <L extends { readonly name: string }>(luns: readonly L[], storage: { readonly name: string } | null) =>
  luns.find(({ name }) => name === storage?.name);

export const sanChecks = [
  check({
    id: 'lun-own',
    severity: 'critical',
    code: 'LunMissing',
    kinds: ['san'],
    looksAt: ['vm.name', 'vm.storage'],
    finds: 'Not all files of the VM are on one LUN that it has to itself.',
    remedy: 'Put all files of the VM, and of no other VM, on one LUN that both hosts see (kind "storage").',
    source: 'Microsoft: System Center VMM 2008 R2, "SAN migration"',
    look(see) {
      const storage = see['vm.storage'];
      if (storage?.type === 'lun') return undefined;
      return {
        message: `Files of VM ${see['vm.name']} are on ${storage === null ? 'no LUN of their own' : `${storage.type} ${storage.name}`}.`,
      };
    },
  }),
  check({
    id: 'lun-visible',
    severity: 'critical',
    code: 'LunMissing',
    kinds: ['san'],
    looksAt: ['vm.storage', 'destination.luns'],
    finds: 'The SAN does not show the LUN of the VM to the destination host.',
    remedy: 'Zone and mask the LUN so that both hosts may have it, then rescan (Update-HostStorageCache).',
    source: 'Microsoft: System Center VMM 2008 R2, "SAN migration"; Update-HostStorageCache',
    look(see) {
      const storage = see['vm.storage'];
      if (storage?.type !== 'lun' || lunIn(see['destination.luns'], storage) !== undefined) return undefined;
      const others = see['destination.luns'].map(({ name }) => name).join(', ');
      return { message: `The SAN shows ${others || 'no LUN'} to the destination host, not ${storage.name}.` };
    },
  }),
  check({
    id: 'lun-held',
    severity: 'critical',
    code: 'LunBusy',
    mayPass: true,
    kinds: ['san'],
    looksAt: ['vm.storage', 'source.luns'],
    finds: 'Another host than the source has the LUN of the VM.',
    remedy: 'Take the LUN from the host that has it, or name that host as the source.',
    source: 'hyperferry: design, guarantee 2',
    look(see, { sourceHost }) {
      const lun = lunIn(see['source.luns'], see['vm.storage']);
      if (lun === undefined || (lun.host !== null && isSameHost(lun.host, sourceHost))) return undefined;
      return { message: `LUN ${lun.name} is with ${lun.host ?? 'no host'}, not with ${sourceHost}.` };
    },
  }),
  check({
    id: 'lun-reservation',
    severity: 'critical',
    code: 'LunBusy',
    kinds: ['san'],
    looksAt: ['vm.storage', 'source.luns'],
    finds: 'There is a persistent reservation on the LUN: the destination host could not write to it.',
    remedy:
      'Take the LUN out of the cluster that reserves it, or clear the reservation (Clear-ClusterDiskReservation).',
    source: 'Microsoft: Clear-ClusterDiskReservation',
    look(see) {
      const lun = lunIn(see['source.luns'], see['vm.storage']);
      if (lun === undefined || lun.reservedBy === null) return undefined;
      return { message: `LUN ${lun.name} is reserved by ${lun.reservedBy}.` };
    },
  }),
];
