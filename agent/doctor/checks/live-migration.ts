import { delegatedHosts } from '../../hyperv/powershell/inspect/host';
import { classify } from '../../hyperv/powershell/worker/classify';
import { fine, skipped, warning, type Check, type Verdict } from '../check';
import type { Surroundings } from '../surroundings';

/** The kinds that need it. Others move a VM without the hypervisor of the other host. */
const only = 'only the kinds live and shared-nothing need it';

type Host = Extract<Awaited<ReturnType<Surroundings['hyperV']>>, { type: 'answers' }>;

async function answering(see: Surroundings): Promise<Host | Verdict> {
  const look = await see.hyperV();
  if (look.type === 'not-used') return skipped('the driver is simulated');
  return look.type === 'answers' ? look : skipped('the worker does not start (hyper-v-module)');
}

export const liveMigration: Check = {
  id: 'live-migration',
  looksAt: 'Hyper-V may move running VMs',
  async look(see): Promise<Verdict> {
    const look = await answering(see);
    if (!('host' in look)) return look;
    if (!look.host.ok) return skipped(`Hyper-V does not answer: ${look.host.failure.message}`);
    const told = look.host.value.liveMigration;
    if (!told.known) return warning(`it is not told: ${told.error.message}`, 'Look at Get-VMHost.');
    const { enabled, slots } = told.value;
    return enabled
      ? fine(`enabled, ${slots.max} at once`)
      : warning(`live migration is not enabled; ${only}`, 'Enable it on both hosts: Enable-VMMigration.');
  },
};

async function isEnabled(look: Host): Promise<boolean> {
  return look.host.ok && look.host.value.liveMigration.known && look.host.value.liveMigration.value.enabled;
}

export const delegation: Check = {
  id: 'delegation',
  looksAt: 'this host may speak to other hosts for the agent: Kerberos with constrained delegation, or CredSSP',
  async look(see): Promise<Verdict> {
    const look = await answering(see);
    if (!('host' in look)) return look;
    if (!look.host.ok || !(await isEnabled(look))) return skipped('live migration is not enabled (live-migration)');
    const told = look.host.value.migrationAuthentication;
    const configure =
      'In Active Directory, allow this computer to delegate to the services "cifs" and "Microsoft Virtual System Migration Service" of each ' +
      'other host, with any authentication protocol; on the host: Set-VMHost -VirtualMachineMigrationAuthenticationType Kerberos.';
    if (!told.known)
      return warning(`how live migrations authenticate is not told: ${classify(told.error, false).message}`, configure);
    const { type, delegatedTo, credentialGuard } = told.value;
    if (type === 'CredSSP')
      return warning(
        credentialGuard
          ? `live migrations authenticate by CredSSP, which Credential Guard keeps from working; ${only}`
          : `live migrations authenticate by CredSSP, which serves people who are signed in here, and no agent that runs as a service; ${only}`,
        configure,
      );
    if (delegatedTo === null) return fine('Kerberos; this host may delegate to every service');
    const hosts = delegatedHosts(delegatedTo);
    return hosts.length === 0
      ? warning(`Kerberos, and this host may delegate to no other host; ${only}`, configure)
      : fine(`Kerberos; this host may delegate to ${hosts.join(', ')}`);
  },
};

export const liveMigrationPort: Check = {
  id: 'live-migration-port',
  looksAt: 'Hyper-V awaits live migrations on its port',
  async look(see): Promise<Verdict> {
    const look = await answering(see);
    if (!('host' in look)) return look;
    if (!(await isEnabled(look))) return skipped('live migration is not enabled (live-migration)');
    const { migrationPort } = see.parts;
    const { listens } = look.doctor;
    if (!listens.known)
      return warning(
        `the ports of this host are not told: ${listens.error.message}`,
        'Look at Get-NetTCPConnection -State Listen.',
      );
    return listens.value
      ? fine(`something listens on TCP ${migrationPort}`)
      : warning(
          `nothing listens on TCP ${migrationPort}; ${only}`,
          'Restart the service vmms, and look whether another program takes the port; allow it between the hosts, with TCP 445.',
        );
  },
};
