import type { InspectedDisk } from '../../../contracts/inspection';
import type { MigrationRequest } from '../../../contracts/migration';
import { roomForCopyBytes, roomForFilesBytes } from '../../../contracts/room';
import { check } from '../check';
import { byRoute, carriesMemory, stopsBy } from './applies';

const copied = [...byRoute, 'storage', 'shared-nothing'] as const;

const images = (disks: readonly InspectedDisk[]) => disks.flatMap((disk) => disk.images);
const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

type Sizes = { readonly disks: readonly InspectedDisk[]; readonly fileBytes: number; readonly memoryBytes: number };

/** The room that the run will promise itself, as its phases count it. */
function roomBytes({ kind }: MigrationRequest, { disks, fileBytes, memoryBytes }: Sizes): number {
  if (kind === 'shared-nothing') return roomForFilesBytes(fileBytes);
  return roomForCopyBytes(sum(images(disks).map((image) => image.allocatedBytes)), memoryBytes);
}

const lacks = (root: string, needed: number, free: number, reserved: number): string =>
  `${root} has ${free} bytes free, ${reserved} of them promised to other runs; ${needed} are needed.`;

export const roomChecks = [
  check({
    id: 'room',
    severity: 'critical',
    code: 'NotEnoughRoom',
    kinds: copied,
    looksAt: ['vm.disks', 'vm.fileBytes', 'vm.memoryBytes', 'place.volume'],
    finds: 'The volume has less room than the files of the VM, its saved memory and a reserve need.',
    remedy: 'Free room on the volume, or choose a folder on another.',
    source: 'Microsoft: Get-Volume, "SizeRemaining"; hyperferry: README, "How a VM moves"',
    look(see, request) {
      const sizes = { disks: see['vm.disks'], fileBytes: see['vm.fileBytes'], memoryBytes: see['vm.memoryBytes'] };
      const needed = roomBytes(request, sizes);
      const { root, freeBytes, reservedBytes } = see['place.volume'];
      if (freeBytes - reservedBytes >= needed) return undefined;
      return { message: lacks(root, needed, freeBytes, reservedBytes) };
    },
  }),
  check({
    id: 'room-export',
    severity: 'critical',
    code: 'NotEnoughRoom',
    kinds: ['export'],
    scenario: {
      when: 'but not for the configuration alone',
      holds: (r) => r.kind !== 'export' || r.part !== 'configuration',
    },
    looksAt: ['vm.fileBytes', 'place.volume'],
    finds: 'The volume has less room than the files of the VM take.',
    remedy: 'Free room on the volume, or choose a folder on another.',
    source: 'Microsoft: Export-VM',
    look(see) {
      const { root, freeBytes, reservedBytes } = see['place.volume'];
      const needed = see['vm.fileBytes'];
      if (freeBytes - reservedBytes >= needed) return undefined;
      return { message: lacks(root, needed, freeBytes, reservedBytes) };
    },
  }),
  check({
    id: 'room-import',
    severity: 'critical',
    code: 'NotEnoughRoom',
    kinds: ['import'],
    scenario: { when: 'as a copy', holds: (r) => r.kind === 'import' && r.destinationFolder !== undefined },
    looksAt: ['import.roomBytes', 'place.volume'],
    finds: 'The volume has less room than the copy takes.',
    remedy: 'Free room on the volume, choose a folder on another, or import in place.',
    source: 'Microsoft: Import-VM, "-Copy"',
    look(see) {
      const { root, freeBytes, reservedBytes } = see['place.volume'];
      const needed = see['import.roomBytes'];
      if (freeBytes - reservedBytes >= needed) return undefined;
      return { message: lacks(root, needed, freeBytes, reservedBytes) };
    },
  }),
  check({
    id: 'room-growth',
    severity: 'warning',
    code: 'NotEnoughRoom',
    kinds: copied,
    looksAt: ['vm.disks', 'place.volume'],
    finds: 'The dynamic disks of the VM can grow beyond the room that the volume has: the VM would be paused then.',
    remedy: 'Watch the volume, choose a larger one, or make the disks smaller.',
    source: 'Microsoft: Get-VHD, "Size"',
    look(see) {
      const disks = see['vm.disks'].filter(({ attachment }) => attachment === 'file');
      const whole = sum(disks.map((disk) => disk.virtualSizeBytes));
      const { root, freeBytes, reservedBytes } = see['place.volume'];
      if (freeBytes - reservedBytes >= whole) return undefined;
      return {
        message: `Fully written, the disks take ${whole} bytes; ${root} has ${freeBytes} free, ${reservedBytes} of them promised.`,
      };
    },
  }),
  check({
    id: 'file-size',
    severity: 'critical',
    code: 'NotEnoughRoom',
    kinds: copied,
    looksAt: ['vm.disks', 'place.volume'],
    finds: 'A disk file is larger than the file system of the volume takes.',
    remedy: 'Choose a volume with NTFS or ReFS.',
    source: 'Microsoft: File System Functionality Comparison, "Limits"',
    look(see) {
      const { root, fileBytesMax } = see['place.volume'];
      const largest = Math.max(0, ...images(see['vm.disks']).map((image) => image.fileSizeBytes));
      if (fileBytesMax === null || largest <= fileBytesMax) return undefined;
      return { message: `A disk file has ${largest} bytes; ${root} takes files of at most ${fileBytesMax}.` };
    },
  }),
  check({
    id: 'file-growth',
    severity: 'warning',
    code: 'NotEnoughRoom',
    kinds: copied,
    looksAt: ['vm.disks', 'place.volume'],
    finds: 'A dynamic disk can grow beyond the largest file that the file system of the volume takes.',
    remedy: 'Choose a volume with NTFS or ReFS.',
    source: 'Microsoft: File System Functionality Comparison, "Limits"',
    look(see) {
      const { root, fileBytesMax } = see['place.volume'];
      const disk = see['vm.disks'].find(({ virtualSizeBytes }) => virtualSizeBytes > (fileBytesMax ?? Infinity));
      if (disk === undefined) return undefined;
      return {
        message: `Disk ${disk.diskId} can grow to ${disk.virtualSizeBytes} bytes; ${root} takes files of at most ${fileBytesMax ?? 0}.`,
      };
    },
  }),
  check({
    id: 'source-room-memory',
    severity: 'critical',
    code: 'NotEnoughRoom',
    kinds: ['quick', 'san', 'lan', 'quick-storage', 'warm'],
    looksAt: ['vm.name', 'vm.state', 'vm.savedStateBytes', 'vm.volume'],
    finds: 'The volume of the VM has no room for its saved memory: the save would fail, after everything was copied.',
    remedy: 'Free room on that volume; or let the guest be shut down, with "lan" or "warm" (--stop shut-down).',
    source: 'Microsoft: Save-VM',
    look(see, request) {
      const saves = see['vm.state'] === 'running' && carriesMemory(request, 'running') && stopsBy(request) === 'save';
      const [needed, { root, freeBytes }] = [see['vm.savedStateBytes'], see['vm.volume']];
      if (!saves || freeBytes >= needed) return undefined;
      return { message: `The memory of VM ${see['vm.name']} takes ${needed} bytes; ${root} has ${freeBytes} free.` };
    },
  }),
  check({
    id: 'source-room-changes',
    severity: 'warning',
    code: 'NotEnoughRoom',
    kinds: ['quick-storage', 'warm', 'export'],
    looksAt: ['vm.state', 'vm.volume'],
    finds: 'The volume of the VM has little room for what its guest writes into the differencing disks of the run.',
    remedy: 'Free room on that volume, or run when the guest writes little: a full volume pauses the VM.',
    source: 'Microsoft: Checkpoint-VM',
    look(see) {
      const { root, freeBytes, reservedBytes } = see['vm.volume'];
      const wanted = roomForFilesBytes(0);
      if (see['vm.state'] !== 'running' || freeBytes - reservedBytes >= wanted) return undefined;
      return {
        message: `${root} has ${freeBytes} bytes free, ${reservedBytes} of them promised; ${wanted} are wanted.`,
      };
    },
  }),
];
