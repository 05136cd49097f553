import { check } from '../check';
import { byRoute, intoFolder, moves, toFolder, toOtherHost } from './applies';

const folderOf = (request: object): string =>
  'destinationFolder' in request && typeof request.destinationFolder === 'string' ? request.destinationFolder : '';

/** What stands in the way at the destination. */
export const placeChecks = [
  check({
    id: 'path-allowed',
    severity: 'critical',
    code: 'PathOutsideRoots',
    kinds: toFolder,
    scenario: intoFolder,
    looksAt: ['place.refusal'],
    finds: 'The folder is below none of the roots that the agent of the host may use, or leads out of them.',
    remedy: 'Choose a folder below one of the allowed roots of that host: hyperferry hosts lists them.',
    source: 'hyperferry: README, "How a VM moves"',
    look(see, request) {
      const why = see['place.refusal'];
      return why === null ? undefined : { message: `destinationFolder ${folderOf(request)}: ${why}` };
    },
  }),
  check({
    id: 'path-length',
    severity: 'critical',
    code: 'PathOutsideRoots',
    kinds: toFolder.filter((kind) => kind !== 'import'),
    looksAt: ['vm.disks', 'place.paths'],
    finds: 'A file of the VM would get a longer path than programs of the host take (260 characters on Windows).',
    remedy: 'Choose a folder with a shorter path.',
    source: 'Microsoft: Maximum Path Length Limitation',
    look(see) {
      const { home, charactersMax } = see['place.paths'];
      const names = see['vm.disks'].flatMap(({ images }) => images.map(({ path }) => path.split(/[\\/]/).at(-1) ?? ''));
      const longest = Math.max(0, ...names.map((name) => `${home}/Virtual Hard Disks/${name}`.length));
      if (charactersMax === null || longest < charactersMax) return undefined;
      return {
        message: `Below ${home} a file would have a path of ${longest} characters; fewer than ${charactersMax} are taken.`,
      };
    },
  }),
  check({
    id: 'destination-same',
    severity: 'critical',
    code: 'DestinationSameAsSource',
    kinds: toFolder.filter((kind) => kind !== 'export' && kind !== 'import'),
    looksAt: ['place.isOfVm'],
    finds: 'The VM lies in the folder already.',
    remedy: 'Name another destination host or another folder.',
    source: 'hyperferry: design, guarantee 1',
    look: (see, request) =>
      see['place.isOfVm'] ? { message: `The VM lies in ${folderOf(request)} already.` } : undefined,
  }),
  check({
    id: 'host-same',
    severity: 'critical',
    code: 'DestinationSameAsSource',
    kinds: ['live', 'quick', 'san', 'shared-nothing'],
    looksAt: ['vm.name'],
    finds: 'Source and destination are the same host, and this kind moves a VM between hosts.',
    remedy: 'Name another destination host, or choose "storage", which moves the files alone.',
    source: 'Microsoft: Move-VM, "-DestinationHost"',
    look: (see, request) =>
      toOtherHost.holds(request)
        ? undefined
        : { message: `destinationHost is ${request.sourceHost}, where VM ${see['vm.name']} is already.` },
  }),
  check({
    id: 'id-taken',
    severity: 'critical',
    code: 'DestinationOccupied',
    kinds: [...moves, 'import'],
    scenario: { when: 'to another host, or by an import', holds: (r) => r.kind === 'import' || toOtherHost.holds(r) },
    looksAt: ['there.registered'],
    finds: 'A VM with this id is registered at the destination already: a second one could start.',
    remedy: 'Look which of the two is the right one, and remove the other; an import can give a new id (--new-id).',
    source: 'Microsoft: Import-VM, "-Register"; hyperferry: design, guarantee 2',
    look(see, { kind, vmId }) {
      const there = see['there.registered'];
      // A retired source that an earlier run left is set aside by the kinds of the byte route.
      if (there === null || (there.isRetired && byRoute.includes(kind))) return undefined;
      const what = there.isRetired ? 'retired source' : 'VM';
      return { message: `The destination host has a ${what} ${vmId} ("${there.vmName}") already.` };
    },
  }),
  check({
    id: 'name-taken',
    severity: 'warning',
    code: 'DestinationOccupied',
    kinds: [...moves, 'import'],
    scenario: { when: 'to another host, or by an import', holds: (r) => r.kind === 'import' || toOtherHost.holds(r) },
    looksAt: ['there.sameName'],
    finds: 'Another VM of the destination host has the same name: scripts that go by names would take the wrong one.',
    remedy: 'Rename one of the two (Rename-VM), or name VMs by their id.',
    source: 'Microsoft: Get-VM, "-Id"',
    look(see) {
      const others = see['there.sameName'];
      return others.length === 0
        ? undefined
        : { message: `VMs of the same name at the destination: ${others.join(', ')}.` };
    },
  }),
  check({
    id: 'placeholder-left',
    severity: 'critical',
    code: 'DestinationOccupied',
    kinds: [...moves, 'storage', 'import'],
    looksAt: ['there.placeholderOf'],
    finds: 'Another run, or a move that was given up, left a placeholder of the VM (a planned VM) at the destination.',
    remedy: 'Finish or cancel that run; or remove the planned VM, unless the hypervisor is moving it.',
    source: 'Microsoft: Msvm_PlannedComputerSystem; Compare-VM',
    look(see) {
      const run = see['there.placeholderOf'];
      return run === null ? undefined : { message: `Run ${run} has a placeholder of the VM at the destination.` };
    },
  }),
  check({
    id: 'room-promised',
    severity: 'critical',
    code: 'VmBusy',
    mayPass: true,
    kinds: [...moves, 'storage', 'import'],
    looksAt: ['there.promisedTo'],
    finds: 'Another run was promised room or memory for this VM at the destination.',
    remedy: 'Wait for that run to end, or cancel it.',
    source: 'hyperferry: design, guarantee 2',
    look(see) {
      const run = see['there.promisedTo'];
      return run === null ? undefined : { message: `Run ${run} has reserved room for this VM at the destination.` };
    },
  }),
  check({
    id: 'folder-occupied',
    severity: 'critical',
    code: 'DestinationOccupied',
    kinds: toFolder.filter((kind) => kind !== 'export'),
    scenario: intoFolder,
    looksAt: ['place.occupiedBy'],
    finds: 'Something stands where the files of the VM would go.',
    remedy: 'Look what it is; remove or rename it, or choose another folder.',
    source: 'Microsoft: Msvm_VirtualSystemMigrationSettingData, "AllowOverwriteExistingFile"',
    look(see) {
      const path = see['place.occupiedBy'];
      return path === null ? undefined : { message: `${path} exists and is not of this run.` };
    },
  }),
  check({
    id: 'export-there',
    severity: 'critical',
    code: 'DestinationOccupied',
    kinds: ['export'],
    looksAt: ['place.exportThere'],
    finds: 'The folder has an export of a VM of that name already.',
    remedy: 'Remove or rename it, or choose another folder.',
    source: 'Microsoft: Export-VM, "-Path"',
    look(see) {
      const path = see['place.exportThere'];
      return path === null ? undefined : { message: `${path} is there already.` };
    },
  }),
];
