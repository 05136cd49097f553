import { isSameHost } from '../../../contracts/ids';
import { destinationHostOf } from '../../../contracts/migration';
import { check } from '../check';
import { byLiveMigration } from './applies';

const setUp = 'Microsoft: Set up hosts for live migration without Failover Clustering';

export const liveMigrationChecks = [
  check({
    id: 'migration-enabled',
    severity: 'critical',
    code: 'MigrationDisabled',
    kinds: byLiveMigration,
    looksAt: ['source.liveMigration', 'destination.liveMigration'],
    finds: 'Live migration is not enabled on both hosts.',
    remedy: 'Enable it (Enable-VMMigration) on the host that is named.',
    source: `${setUp}; Enable-VMMigration`,
    look(see, request) {
      if (!see['source.liveMigration'].enabled) return { message: `Live migration is off on ${request.sourceHost}.` };
      if (see['destination.liveMigration'].enabled) return undefined;
      return { message: `Live migration is off on ${destinationHostOf(request)}.` };
    },
  }),
  check({
    id: 'migration-slots',
    severity: 'critical',
    code: 'MigrationLimitReached',
    mayPass: true,
    kinds: byLiveMigration,
    looksAt: ['source.liveMigration', 'destination.liveMigration'],
    finds: 'A host makes as many live migrations at once as it may.',
    remedy: 'Wait for a slot, or raise the limit (Set-VMHost -MaximumVirtualMachineMigrations).',
    source: 'Microsoft: Set-VMHost; Troubleshoot live migration issues, event 21501',
    look(see) {
      const slots = [see['source.liveMigration'].slots, see['destination.liveMigration'].slots];
      const full = slots.find(({ used, max }) => used >= max);
      return full && { message: `A host moves ${full.used} VMs already; its limit is ${full.max}.` };
    },
  }),
  check({
    id: 'storage-slots',
    severity: 'critical',
    code: 'MigrationLimitReached',
    mayPass: true,
    kinds: ['storage', 'shared-nothing'],
    looksAt: ['source.liveMigration'],
    finds: 'The source host makes as many storage migrations at once as it may.',
    remedy: 'Wait for a slot, or raise the limit (Set-VMHost -MaximumStorageMigrations).',
    source: 'Microsoft: Set-VMHost, "-MaximumStorageMigrations"',
    look(see) {
      const { used, max } = see['source.liveMigration'].storageSlots;
      return used < max
        ? undefined
        : { message: `The source host moves the storage of ${used} VMs already; its limit is ${max}.` };
    },
  }),
  check({
    id: 'authentication-differs',
    severity: 'critical',
    code: 'PreflightFailed',
    kinds: byLiveMigration,
    looksAt: ['source.migrationAuthentication', 'destination.migrationAuthentication'],
    finds: 'The hosts authenticate live migrations in different ways.',
    remedy: 'Set both to the same (Set-VMHost -VirtualMachineMigrationAuthenticationType), Kerberos for choice.',
    source: setUp,
    look(see) {
      const [from, to] = [see['source.migrationAuthentication'].type, see['destination.migrationAuthentication'].type];
      return from === to ? undefined : { message: `The source host uses ${from}, the destination host ${to}.` };
    },
  }),
  check({
    id: 'delegation',
    severity: 'critical',
    code: 'PreflightFailed',
    kinds: byLiveMigration,
    looksAt: ['source.migrationAuthentication'],
    finds: 'The source host may not delegate to the destination host, which Kerberos needs (0x8009030E otherwise).',
    remedy: 'Allow constrained delegation to its services "cifs" and "Microsoft Virtual System Migration Service".',
    source: `${setUp}, "Configure constrained delegation"`,
    look(see, request) {
      const { type, delegatedTo } = see['source.migrationAuthentication'];
      const to = destinationHostOf(request);
      const isNamed = delegatedTo?.some((host) => isSameHost(host, to)) ?? true;
      if (type !== 'kerberos' || delegatedTo === null || isNamed) return undefined;
      return { message: `${request.sourceHost} may delegate to ${delegatedTo.join(', ') || 'no host'}, not to ${to}.` };
    },
  }),
  check({
    id: 'credential-guard',
    severity: 'critical',
    code: 'PreflightFailed',
    kinds: byLiveMigration,
    looksAt: ['source.migrationAuthentication'],
    finds: 'The source host uses CredSSP, which Credential Guard keeps from working.',
    remedy: 'Change both hosts to Kerberos with constrained delegation.',
    source: 'Microsoft: Considerations and known issues when using Credential Guard',
    look(see, { sourceHost }) {
      const { type, credentialGuard } = see['source.migrationAuthentication'];
      if (type !== 'credssp' || !credentialGuard) return undefined;
      return { message: `${sourceHost} uses credssp and has Credential Guard on.` };
    },
  }),
  check({
    id: 'migration-network',
    severity: 'critical',
    code: 'PreflightFailed',
    kinds: byLiveMigration,
    looksAt: ['source.migrationNetworks', 'destination.migrationNetworks'],
    finds: 'The hosts have no network for live migration in common.',
    remedy:
      'Give both a network that they share (Add-VMMigrationNetwork), or let them use any (Set-VMHost -UseAnyNetworkForMigration).',
    source: `${setUp}; Add-VMMigrationNetwork`,
    look(see) {
      const [from, to] = [see['source.migrationNetworks'], see['destination.migrationNetworks']];
      if (from.length === 0 || to.length === 0 || from.some((network) => to.includes(network))) return undefined;
      return {
        message: `The source host moves VMs over ${from.join(', ')}, the destination host over ${to.join(', ')}.`,
      };
    },
  }),
];
