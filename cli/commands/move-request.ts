import { InvalidArgumentError, Option, type Command } from 'commander';
import { z } from 'zod';
import type { BandwidthWindow } from '../../contracts/bandwidth';
import { hostId, vmId, type HostId, type VmId } from '../../contracts/ids';
import {
  diskFormatsWanted,
  kinds,
  kindTakes,
  migrationRequest,
  notShrinkingPolicies,
  retirePolicies,
  roleChoices,
  routes,
  stopPolicies,
  verifyScopes,
  type MigrationRequest,
} from '../../contracts/migration';
import { exportParts } from '../../contracts/operations/exports';
import { madeSwitchTypes } from '../../contracts/switches';
import type { HyperferryApi } from '../api/client';
import { bad, good, type Result } from '../context';
import { badInput, failureOfApi } from '../failure';
import { ownTimeZone, parseBandwidthWindow, parseBytes, parseDurationMs, parseField } from '../parse';
import { apiOptions } from './command';
import { findVm } from './find-vm';

/** A move as options name it: for `migrate`, and for `preflight`, which only looks. */

export const moveOptions = apiOptions.extend({
  from: hostId.optional(),
  to: hostId.optional(),
  folder: z.string().optional(),
  kind: z.enum(kinds).default('quick-storage'),
  switch: z.string().optional(),
  makeSwitch: z.enum(madeSwitchTypes).optional(),
  route: z.enum(routes).optional(),
  bandwidth: z.int().optional(),
  bandwidthHours: z.array(z.custom<BandwidthWindow>()).optional(),
  timeZone: z.string().optional(),
  retire: z.enum(retirePolicies).optional(),
  verify: z.enum(verifyScopes).optional(),
  heartbeatWait: z.int().optional(),
  outage: z.int().optional(),
  ifNotShrinking: z.enum(notShrinkingPolicies).optional(),
  approve: z.literal(true).optional(),
  stop: z.enum(stopPolicies).optional(),
  convertTo: z.enum(diskFormatsWanted).optional(),
  part: z.enum(exportParts).optional(),
  vmCheckpoint: z.string().optional(),
  sourceFolder: z.string().optional(),
  newId: z.string().optional(),
  name: z.string().optional(),
  disk: z.array(z.object({ diskId: z.string(), path: z.string() })).optional(),
  role: z.enum(roleChoices).optional(),
  seed: z.array(z.object({ diskId: z.string(), path: z.string() })).optional(),
  fixUps: z.enum(['ask', 'apply']).optional(),
  powerOn: z.literal(true).optional(),
});
type MoveOptions = z.infer<typeof moveOptions>;

const bandwidthHoursOption = (text: string, before: readonly BandwidthWindow[] = []): BandwidthWindow[] => {
  const window = parseBandwidthWindow(text);
  if (window === undefined)
    throw new InvalidArgumentError(
      'Give hours and their limit, such as mon-fri@08:00-18:00=20MiB/s or 22:00-06:00=unlimited.',
    );
  return [...before, window];
};

const bandwidthOption = (text: string): number => {
  const bytes = parseBytes(text);
  if (bytes === undefined) throw new InvalidArgumentError('Give bytes a second, such as 100MiB/s.');
  return bytes;
};

const durationOption = (text: string): number => {
  const ms = parseDurationMs(text);
  if (ms === undefined) throw new InvalidArgumentError('Give a time such as 90s or 5m.');
  return ms;
};

type NamedDisk = { readonly diskId: string; readonly path: string };

const diskOption = (text: string, before: readonly NamedDisk[] = []): NamedDisk[] => {
  const [diskId = '', path = ''] = text.split(/=(.*)/s);
  if (path === '') throw new InvalidArgumentError('Give a disk and its file, such as scsi-0-1=/vms/data.vhdx.');
  return [...before, { diskId, path }];
};

/** The root of the destination with the most room that is not promised, for a request that names no folder. */
async function roomiestRoot(api: HyperferryApi, destination: HostId): Promise<Result<string>> {
  const hosts = await api.hosts();
  if (!hosts.ok) return bad(failureOfApi(hosts.error));
  const item = hosts.value.items.find((host) => host.hostId === destination);
  const hint = { field: '--to', value: destination, next: 'hyperferry hosts' };
  if (item === undefined)
    return bad(badInput('no such destination host', { ...hint, remedy: 'Use a host of the configuration.' }));
  const volumes = [...(item.facts?.volumes ?? [])];
  volumes.sort((a, b) => b.freeBytes - b.reservedBytes - (a.freeBytes - a.reservedBytes));
  const root = volumes[0]?.root;
  return root === undefined
    ? bad(badInput('no folder can be chosen', { ...hint, remedy: 'Name one with --folder, or bring the host back.' }))
    : good(root);
}

/** The destination folder: the one that was named, or for a kind that needs one the roomiest root. */
async function folderFor(api: HyperferryApi, { kind, to, folder }: MoveOptions): Promise<Result<string | undefined>> {
  if (folder !== undefined || !kindTakes(kind, 'destinationFolder') || to === undefined) return good(folder);
  return roomiestRoot(api, to);
}

/** What the options say, field by field: those of the kind are for its schema to judge. */
const fieldsOf = ({ to, switch: name, ...options }: MoveOptions) => ({
  ...(to === undefined ? {} : { destinationHost: to }),
  ...(name === undefined ? {} : { destinationSwitch: name }),
  ...(options.makeSwitch === undefined ? {} : { makeSwitch: options.makeSwitch }),
  ...(options.route === undefined ? {} : { route: options.route }),
  ...(options.convertTo === undefined ? {} : { convertTo: options.convertTo }),
  ...(options.part === undefined ? {} : { part: options.part }),
  ...(options.vmCheckpoint === undefined ? {} : { vmCheckpointId: options.vmCheckpoint }),
  ...(options.sourceFolder === undefined ? {} : { sourceFolder: options.sourceFolder }),
  ...(options.newId === undefined ? {} : { newVmId: options.newId }),
  ...(options.name === undefined ? {} : { name: options.name }),
  ...(options.disk === undefined ? {} : { diskPaths: options.disk }),
  ...(options.role === undefined ? {} : { role: options.role }),
  ...(options.seed === undefined ? {} : { seeds: options.seed }),
  policy: {
    ...(options.fixUps === undefined ? {} : { fixUps: options.fixUps }),
    ...(options.powerOn === undefined ? {} : { start: true }),
    ...(options.bandwidth === undefined ? {} : { bandwidthBytesPerSecondMax: options.bandwidth }),
    ...(options.bandwidthHours === undefined
      ? {}
      : { bandwidthHours: { timeZone: options.timeZone ?? ownTimeZone(), windows: options.bandwidthHours } }),
    ...(options.retire === undefined ? {} : { retire: options.retire }),
    ...(options.verify === undefined ? {} : { verify: options.verify }),
    ...(options.outage === undefined ? {} : { outageMsMax: options.outage }),
    ...(options.ifNotShrinking === undefined ? {} : { ifNotShrinking: options.ifNotShrinking }),
    ...(options.approve === undefined ? {} : { approve: options.approve }),
    ...(options.stop === undefined ? {} : { stop: options.stop }),
    ...(options.heartbeatWait === undefined ? {} : { heartbeatWaitMsMax: options.heartbeatWait }),
  },
});

/** The VM, where it is found; one that is imported is on no host yet, so its id and its host must be named. */
async function vmOf(
  api: HyperferryApi,
  vmText: string,
  { kind, from }: MoveOptions,
): Promise<Result<{ hostId: HostId; vmId: VmId; name: string }>> {
  if (kind !== 'import') return findVm(api, vmText, from);
  const parsed = parseField(vmId, vmText, 'VM');
  if (!parsed.ok) return parsed;
  if (from !== undefined) return good({ hostId: from, vmId: parsed.value, name: 'import' });
  return bad(
    badInput('the host is missing', {
      field: '--from',
      detail: 'an import needs --from <host>, the host that has the folder',
      remedy: 'Name the host.',
      next: 'hyperferry hosts',
    }),
  );
}

/** The request that a person means; `idFor` makes its id from the name of the VM, where it is to have one. */
export async function requestOf(
  api: HyperferryApi,
  vmText: string,
  options: MoveOptions,
  idFor?: (vmName: string) => string,
): Promise<Result<MigrationRequest>> {
  if (options.to === undefined && kindTakes(options.kind, 'destinationHost'))
    return bad(
      badInput('the destination host is missing', {
        field: '--to',
        detail: `${options.kind} needs --to <host>`,
        remedy: 'Name the host that the VM is to move to.',
        next: 'hyperferry hosts',
      }),
    );
  if (options.timeZone !== undefined && options.bandwidthHours === undefined)
    return bad(
      badInput('there are no hours for the time zone', {
        field: '--time-zone',
        value: options.timeZone,
        remedy: 'Give hours with --bandwidth-hours, or leave the time zone out.',
      }),
    );
  const vm = await vmOf(api, vmText, options);
  if (!vm.ok) return vm;
  const folder = await folderFor(api, options);
  if (!folder.ok) return folder;
  return parseField(
    migrationRequest,
    {
      ...(idFor === undefined ? {} : { id: idFor(vm.value.name) }),
      kind: options.kind,
      vmId: vm.value.vmId,
      sourceHost: vm.value.hostId,
      ...(folder.value === undefined ? {} : { destinationFolder: folder.value }),
      ...fieldsOf(options),
    },
    'request',
  );
}

/** Adds the options of a move to a command. */
export const withMoveOptions = (command: Command): Command =>
  command
    .option('--to <host>', 'destination host; the source host itself moves storage alone')
    .option('--from <host>', 'source host (default: where the VM is found)')
    .option('--folder <path>', 'folder on the destination host (default: its volume with the most room)')
    .addOption(new Option('--kind <kind>', 'how it moves').choices(kinds).default('quick-storage'))
    .option('--switch <name>', 'virtual switch at the destination (default: the one of the same name)')
    .addOption(
      new Option(
        '--make-switch <type>',
        'import: make the switch that --switch names, if the host has none of that name',
      ).choices(madeSwitchTypes),
    )
    .addOption(
      new Option(
        '--route <route>',
        'how bytes get there: from agent to agent (default), or staged in Blob Storage, for hosts that do not see each other',
      ).choices(routes),
    )
    .option('--bandwidth <rate>', 'limit of the copy, such as 100MiB/s (default: none)', bandwidthOption)
    .option(
      '--bandwidth-hours <hours=rate>',
      'another limit by the time of day, such as mon-fri@08:00-18:00=20MiB/s; several times: the first that fits counts',
      bandwidthHoursOption,
    )
    .option('--time-zone <name>', "of these hours, such as Europe/Berlin (default: this machine's)")
    .option(
      '--seed <disk=path>',
      'file at the destination that holds much of a disk already, such as scsi-0-0=/vms/replica.vhdx; once a disk',
      diskOption,
    )
    .addOption(
      new Option(
        '--role <what>',
        'what becomes of the role of a VM that leaves its cluster: left behind, or made again at the destination (default: such a VM is refused)',
      ).choices(roleChoices),
    )
    .addOption(new Option('--retire <policy>', 'what becomes of the source afterwards').choices(retirePolicies))
    .addOption(new Option('--verify <scope>', 'what is read once more at both hosts').choices(verifyScopes))
    .addOption(new Option('--stop <how>', 'how a VM that runs is stopped').choices(stopPolicies))
    .addOption(
      new Option(
        '--convert-to <format>',
        'lan, warm: what disks of another format become on their way (default: each keeps its own)',
      ).choices(diskFormatsWanted),
    )
    .option('--outage <time>', 'warm: longest outage that is allowed, such as 30s', durationOption)
    .addOption(
      new Option('--if-not-shrinking <what>', 'warm: when the rounds stop shrinking').choices(notShrinkingPolicies),
    )
    .option('--approve', 'warm: a person must let the cutover begin')
    .addOption(new Option('--part <part>', 'export: what is exported').choices(exportParts))
    .option('--vm-checkpoint <id>', 'export: the VM checkpoint, with --part vm-checkpoint')
    .option('--source-folder <path>', 'import: the folder that an export made, or a copy of one')
    .option('--new-id <guid>', 'import: another id for the VM')
    .option('--name <name>', 'import: another name for the VM')
    .option('--disk <disk=path...>', 'import: a disk that is elsewhere, such as scsi-0-1=/vms/data.vhdx', diskOption)
    .addOption(new Option('--fix-ups <what>', 'import: whether you are asked about changes').choices(['ask', 'apply']))
    .option('--power-on', 'import: start the VM')
    .option('--heartbeat-wait <time>', 'how long the guest may take to answer, such as 5m', durationOption);
