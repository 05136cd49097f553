import type { HostId, VmId } from '../../../contracts/ids';
import type { Kind } from '../../../contracts/migration';
import { destination, source } from '../../agent/small-site';
import type { PowerShellSite } from '../../powershell/powershell-site';

/** A migration of the soak: what is asked for, and where its VM has to run behind it. */
export type SoakRun = {
  readonly kind: Kind;
  readonly vm: VmId;
  readonly from: HostId;
  /** Where the VM runs when it completed; where it was when it was rolled back. */
  readonly to: HostId;
  readonly request: object;
};

const otherThan = (host: HostId): HostId => (host === source ? destination : source);

/** The kinds of a round, in an order in which each finds what it needs. */
export const kindsOfRound: readonly Kind[] = [
  'quick-storage',
  'quick',
  'storage',
  'lan',
  'live',
  'san',
  'export',
  'import',
  'warm',
  'shared-nothing',
];

/** The migration of a kind from where its VM runs now. `number` makes names and folders that no other run of the soak has. */
export async function soakRun(
  site: PowerShellSite,
  kind: Kind,
  number: number,
  exported: string | undefined,
): Promise<SoakRun> {
  const vm = vmOf(site, kind);
  const [from] = await site.runsOn(vm);
  if (from === undefined) throw new Error(`VM ${vm} runs on no host before run ${number}`);
  const to = hosts(kind, from);
  const folder = (name: string): string => site.folderOn(to, `${name}-${number}`);
  const request = { kind, vmId: vm, sourceHost: from, ...(to !== from && { destinationHost: to }) };
  return { kind, vm, from, to, request: { ...request, ...more(kind, folder, number, exported) } };
}

function vmOf({ vms }: PowerShellSite, kind: Kind): VmId {
  if (kind === 'live' || kind === 'quick') return vms.role;
  if (kind === 'san') return vms.onLun;
  return kind === 'storage' || kind === 'shared-nothing' ? vms.moving : vms.web;
}

const hosts = (kind: Kind, from: HostId): HostId =>
  kind === 'storage' || kind === 'export' || kind === 'import' ? from : otherThan(from);

function more(kind: Kind, folder: (name: string) => string, number: number, exported: string | undefined): object {
  const destinationFolder = folder(kind);
  switch (kind) {
    case 'live':
    case 'quick':
    case 'san':
      return {};
    case 'storage':
    case 'shared-nothing':
    case 'export':
      return { destinationFolder };
    case 'lan':
    case 'quick-storage':
      return { destinationFolder, policy: { retire: 'delete' } };
    case 'warm':
      return {
        destinationFolder,
        policy: { retire: 'delete', outageMsMax: 1_000, roundsMax: 2, ifNotShrinking: 'cut-over' },
      };
    case 'import': {
      if (exported === undefined) throw new Error('nothing was exported before');
      const newVmId = `99999999-2222-4333-8444-${String(number).padStart(12, '0')}`;
      const policy = { fixUps: 'apply', start: false };
      return { sourceFolder: exported, destinationFolder, newVmId, name: `web-copy-${number}`, policy };
    }
  }
}
