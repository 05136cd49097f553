import type { Command } from 'commander';
import type { VmFacts } from '../../contracts/facts';
import type { Failure } from '../../contracts/failure';
import { hostId, type HostId } from '../../contracts/ids';
import type { HyperferryApi } from '../api/client';
import { apiOf } from '../api/api-of';
import { bad, good, type CommandResult, type Context, type Result } from '../context';
import { failureOfApi } from '../failure';
import { formatBytes } from '../output/format';
import { tableLines } from '../output/table';
import { parseField } from '../parse';
import { apiCommand, apiOptions, examples, type ApiCommandOptions, type Run } from './command';

export type PlacedVm = VmFacts & { readonly hostId: HostId };
export type AbsentHost = { readonly hostId: HostId; readonly failure: Failure | null };
export type Inventory = { readonly items: PlacedVm[]; readonly unreachable: AbsentHost[] };

/** The VMs of one host, or of all that can be reached. */
export async function inventory(api: HyperferryApi, host: HostId | undefined): Promise<Result<Inventory>> {
  if (host !== undefined) {
    const page = await api.vms(host);
    if (!page.ok) return bad(failureOfApi(page.error));
    return good({ items: page.value.items.map((vm) => ({ ...vm, hostId: host })), unreachable: [] });
  }
  const hosts = await api.hosts();
  if (!hosts.ok) return bad(failureOfApi(hosts.error));
  const items: PlacedVm[] = [];
  const unreachable: AbsentHost[] = [];
  for (const item of hosts.value.items) {
    const page = item.reachable ? await api.vms(item.hostId) : undefined;
    if (page?.ok === true) items.push(...page.value.items.map((vm) => ({ ...vm, hostId: item.hostId })));
    else if (page === undefined || page.error.kind === 'problem')
      unreachable.push({ hostId: item.hostId, failure: item.failure });
    else return bad(failureOfApi(page.error));
  }
  return good({ items, unreachable });
}

const dataBytesOf = (vm: VmFacts): number =>
  vm.disks.reduce((sum, disk) => sum + disk.images.reduce((held, image) => held + image.allocatedBytes, 0), 0);

function held(vm: VmFacts): string {
  if (vm.fencedBy !== null) return `fenced by ${vm.fencedBy}`;
  return vm.reservedBy === null ? '' : `reserved by ${vm.reservedBy}`;
}

const row = (vm: PlacedVm): string[] => [
  vm.hostId,
  vm.name,
  vm.state,
  vm.heartbeat,
  String(vm.processorCount),
  formatBytes(vm.memoryBytes),
  `${vm.disks.length}: ${formatBytes(dataBytesOf(vm))} of ${formatBytes(vm.disks.reduce((sum, disk) => sum + disk.virtualSizeBytes, 0))}`,
  vm.vmId,
  held(vm),
];

const header = ['HOST', 'NAME', 'STATE', 'HEARTBEAT', 'CPUS', 'MEMORY', 'DISKS', 'VM ID', 'HELD'];

async function vms(context: Context, hostText: string | undefined, options: ApiCommandOptions): Promise<CommandResult> {
  const api = apiOf(context, options);
  if (!api.ok) return api.failure;
  const host = hostText === undefined ? good(undefined) : parseField(hostId, hostText, 'HOST');
  if (!host.ok) return host.failure;
  const found = await inventory(api.value, host.value);
  if (!found.ok) return found.failure;
  if (options.json) context.output.json(found.value);
  else if (found.value.items.length > 0) context.output.lines(tableLines(header, found.value.items.map(row)));
  else context.output.note('no VMs');
  for (const { hostId: absent, failure } of found.value.unreachable)
    context.output.note(`not listed: ${absent} cannot be reached (${failure?.message ?? 'no reason given'})`);
  return 'done';
}

/** `hyperferry vms [HOST]` */
export function registerVms(program: Command, run: Run): void {
  const command = apiCommand(program, 'vms [HOST]', 'list the VMs of one host, or of all');
  examples(
    command,
    ['vms', 'the VMs of all hosts; hosts that cannot be reached are named'],
    ['vms host-a --json', 'those of one host as a document: { items, unreachable }'],
  );
  command.action((host: string | undefined, options: unknown) =>
    run((context) => vms(context, host, apiOptions.parse(options))),
  );
}
