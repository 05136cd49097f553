import { InvalidArgumentError, Option, type Command } from 'commander';
import { z } from 'zod';
import { hostId, vmId, type HostId, type VmId } from '../../contracts/ids';
import {
  destinationFolderOf,
  kinds,
  kindTakes,
  migrationRequest,
  notShrinkingPolicies,
  retirePolicies,
  stopPolicies,
  verifyScopes,
  type MigrationRequest,
} from '../../contracts/migration';
import { exportParts } from '../../contracts/operations/exports';
import type { HyperferryApi } from '../api/client';
import { apiOf, bad, good, type CommandResult, type Context, type Result } from '../context';
import { badInput, failureOfApi } from '../failure';
import { routeText } from '../output/status';
import { parseBytes, parseDurationMs, parseField } from '../parse';
import { apiCommand, apiOptions, examples, type Run } from './command';
import { findVm } from './find-vm';
import { newMigrationId } from './new-id';
import { submitMigration } from './submit';
import { watchTo } from './watch';

const migrateOptions = apiOptions.extend({
  from: hostId.optional(),
  to: hostId.optional(),
  folder: z.string().optional(),
  kind: z.enum(kinds).default('quick-storage'),
  switch: z.string().optional(),
  bandwidth: z.int().optional(),
  retire: z.enum(retirePolicies).optional(),
  verify: z.enum(verifyScopes).optional(),
  heartbeatWait: z.int().optional(),
  outage: z.int().optional(),
  ifNotShrinking: z.enum(notShrinkingPolicies).optional(),
  approve: z.literal(true).optional(),
  stop: z.enum(stopPolicies).optional(),
  part: z.enum(exportParts).optional(),
  vmCheckpoint: z.string().optional(),
  sourceFolder: z.string().optional(),
  newId: z.string().optional(),
  name: z.string().optional(),
  disk: z.array(z.object({ diskId: z.string(), path: z.string() })).optional(),
  fixUps: z.enum(['ask', 'apply']).optional(),
  powerOn: z.literal(true).optional(),
  id: z.string().optional(),
  watch: z.boolean().default(false),
});
type MigrateOptions = z.infer<typeof migrateOptions>;

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
async function folderFor(
  api: HyperferryApi,
  { kind, to, folder }: MigrateOptions,
): Promise<Result<string | undefined>> {
  if (folder !== undefined || !kindTakes(kind, 'destinationFolder') || to === undefined) return good(folder);
  return roomiestRoot(api, to);
}

/** What the options say, field by field: those of the kind are for its schema to judge. */
const fieldsOf = ({ to, switch: name, ...options }: MigrateOptions) => ({
  ...(to === undefined ? {} : { destinationHost: to }),
  ...(name === undefined ? {} : { destinationSwitch: name }),
  ...(options.part === undefined ? {} : { part: options.part }),
  ...(options.vmCheckpoint === undefined ? {} : { vmCheckpointId: options.vmCheckpoint }),
  ...(options.sourceFolder === undefined ? {} : { sourceFolder: options.sourceFolder }),
  ...(options.newId === undefined ? {} : { newVmId: options.newId }),
  ...(options.name === undefined ? {} : { name: options.name }),
  ...(options.disk === undefined ? {} : { diskPaths: options.disk }),
  policy: {
    ...(options.fixUps === undefined ? {} : { fixUps: options.fixUps }),
    ...(options.powerOn === undefined ? {} : { start: true }),
    ...(options.bandwidth === undefined ? {} : { bandwidthBytesPerSecondMax: options.bandwidth }),
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
  { kind, from }: MigrateOptions,
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

async function requestOf(
  context: Context,
  api: HyperferryApi,
  vmText: string,
  options: MigrateOptions,
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
  const vm = await vmOf(api, vmText, options);
  if (!vm.ok) return vm;
  const folder = await folderFor(api, options);
  if (!folder.ok) return folder;
  return parseField(
    migrationRequest,
    {
      id: options.id ?? newMigrationId(vm.value.name, context.clock, context.randomBytes),
      kind: options.kind,
      vmId: vm.value.vmId,
      sourceHost: vm.value.hostId,
      ...(folder.value === undefined ? {} : { destinationFolder: folder.value }),
      ...fieldsOf(options),
    },
    'request',
  );
}

async function migrate(context: Context, vmText: string, options: MigrateOptions): Promise<CommandResult> {
  const api = apiOf(context, options);
  if (!api.ok) return api.failure;
  const request = await requestOf(context, api.value, vmText, options);
  if (!request.ok) return request.failure;
  const started = await submitMigration(context, api.value, request.value);
  if (!started.ok) return failureOfApi(started.error);
  const { id } = started.value;
  const folder = destinationFolderOf(request.value);
  if (options.watch) return watchTo(context, api.value, id, { json: options.json, stay: false, patience: 900 });
  if (options.json) context.output.json({ id, request: request.value });
  else {
    context.output.line(id);
    const { kind, vmId } = request.value;
    const below = folder === undefined ? '' : `, below ${folder}`;
    context.output.note(`started: VM ${vmId}, ${kind}, ${routeText(request.value)}${below}`);
    context.output.note(`next: hyperferry watch ${id}`);
  }
  return 'done';
}

/** `hyperferry migrate VM --to HOST` */
export function registerMigrate(program: Command, run: Run): void {
  const command = apiCommand(program, 'migrate VM', 'move a VM, by name or GUID, to another host or another folder')
    .option('--to <host>', 'destination host; the source host itself moves storage alone')
    .option('--from <host>', 'source host (default: where the VM is found)')
    .option('--folder <path>', 'folder on the destination host (default: its volume with the most room)')
    .addOption(new Option('--kind <kind>', 'how it moves').choices(kinds).default('quick-storage'))
    .option('--switch <name>', 'virtual switch at the destination (default: the one of the same name)')
    .option('--bandwidth <rate>', 'limit of the copy, such as 100MiB/s (default: none)', bandwidthOption)
    .addOption(new Option('--retire <policy>', 'what becomes of the source afterwards').choices(retirePolicies))
    .addOption(new Option('--verify <scope>', 'what is read once more at both hosts').choices(verifyScopes))
    .addOption(new Option('--stop <how>', 'how a VM that runs is stopped').choices(stopPolicies))
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
    .option('--heartbeat-wait <time>', 'how long the guest may take to answer, such as 5m', durationOption)
    .option('--id <id>', 'id of the migration; the same id twice starts one run (default: made from the name)')
    .option('--watch', 'follow it to its end');
  examples(
    command,
    ['migrate web01 --to host-b --watch', 'moves the VM to the roomiest volume of host-b and draws its progress'],
    [
      'migrate 6f9619ff-8b86-d011-b42d-00c04fc964ff --from host-a --to host-b --folder /vm --bandwidth 100MiB/s',
      'the same by GUID into a folder of choice, with a limit; prints the id of the migration',
    ],
  );
  command.action((vmText: string, options: unknown) =>
    run(async (context) => {
      const parsed = parseField(migrateOptions, options, 'options');
      return parsed.ok ? migrate(context, vmText, parsed.value) : parsed.failure;
    }),
  );
}
