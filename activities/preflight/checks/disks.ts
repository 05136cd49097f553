import { failureCodes, type FailureCode } from '../../../contracts/failure-codes';
import type { InspectedDisk } from '../../../contracts/inspection';
import { chainImagesMax } from '../../../contracts/limits';
import { convertedTo, type MigrationRequest } from '../../../contracts/migration';
import { check } from '../check';
import { byRoute, moves, ofVm, toFolder, wholeExport } from './applies';

const named = (disks: readonly InspectedDisk[]): string =>
  disks.map(({ diskId, path }) => `${diskId} (${path})`).join(', ');

const copying = toFolder.filter((kind) => kind !== 'import');

/** Hyper-V makes and attaches no larger VHD. */
const vhdBytesMax = 2040 * 1024 ** 3;

/** Hyper-V tracks the changes of a VHDX alone, and of a VM with another disk a run asks for none. */
const isTracked = (disks: readonly InspectedDisk[], byHost: boolean): boolean =>
  byHost && disks.every(({ attachment, format }) => attachment !== 'file' || format === 'vhdx');

/** How the files of a disk are called whose format can be told by its name. */
const namesOf: { readonly [F in InspectedDisk['format']]?: RegExp } = { vhd: /\.a?vhd$/i, vhdx: /\.a?vhdx$/i };

/** Differencing disks that a run puts on top of each disk. */
function layersOfRun(request: MigrationRequest, tracked: boolean): number {
  if (request.kind === 'warm') return tracked ? 1 : request.policy.roundsMax + 1;
  return request.kind === 'quick-storage' || request.kind === 'export' ? 1 : 0;
}

const isCode = (code: string): code is FailureCode => code in failureCodes;

export const diskChecks = [
  check({
    id: 'disks-whole',
    severity: 'critical',
    code: 'DiskDamaged',
    kinds: ofVm,
    looksAt: ['vm.name', 'vm.damage'],
    finds: 'A disk file cannot be opened, is damaged, or does not find its parent.',
    remedy: 'Restore the file from a good copy, or repair the link to its parent (Set-VHD -ParentPath).',
    source: 'Microsoft: [MS-VHDX]; Test-VHD',
    look(see) {
      const [first] = see['vm.damage'];
      if (first === undefined) return undefined;
      const message = `Disk ${first.diskId} of VM ${see['vm.name']}: ${first.message}`;
      return { message, ...(isCode(first.code) && { code: first.code }) };
    },
  }),
  check({
    id: 'disk-pass-through',
    severity: 'critical',
    code: 'PreflightFailed',
    kinds: ofVm,
    scenario: {
      when: 'but not for the configuration alone',
      holds: (r) => r.kind !== 'export' || r.part !== 'configuration',
    },
    looksAt: ['vm.disks'],
    finds: 'A disk of the VM is a physical disk of the source host (pass-through).',
    remedy: 'Detach it and attach it again at the destination, or convert it to a VHDX first.',
    source: 'Microsoft: Get-VMHardDiskDrive, "DiskNumber"; Troubleshoot live migration issues',
    look(see) {
      const physical = see['vm.disks'].filter(({ attachment }) => attachment === 'pass-through');
      return physical.length === 0
        ? undefined
        : { message: `Physical disks of the host are attached: ${named(physical)}.` };
    },
  }),
  check({
    id: 'disk-shared',
    severity: 'critical',
    code: 'PreflightFailed',
    kinds: copying,
    scenario: wholeExport,
    looksAt: ['vm.disks'],
    finds: 'A disk may be attached to more than one VM at once (shared VHDX or VHD set).',
    remedy: 'Stop the VMs that share it, move its file by hand, and attach it again to each.',
    source: 'Microsoft: Create a Hyper-V VHD Set file; Move-VMStorage',
    look(see) {
      const shared = see['vm.disks'].filter(({ isShared, format }) => isShared || format === 'vhd-set');
      return shared.length === 0 ? undefined : { message: `Shared between VMs: ${named(shared)}.` };
    },
  }),
  check({
    id: 'disk-files-used',
    severity: 'critical',
    code: 'PreflightFailed',
    kinds: ['storage', 'shared-nothing', 'san'],
    looksAt: ['vm.name', 'vm.filesUsedBy'],
    finds: 'Another VM uses a file of this one, such as a common parent, and the file would go from under it.',
    remedy: 'Give the other VM a copy of its own, or choose "lan" with retire policy keep.',
    source: 'Microsoft: Move-VM, "-RemoveSourceUnmanagedVhds"',
    look(see) {
      const others = see['vm.filesUsedBy'];
      return others.length === 0
        ? undefined
        : { message: `Files of VM ${see['vm.name']} are used by ${others.join(', ')} as well.` };
    },
  }),
  check({
    id: 'disk-files-kept',
    severity: 'warning',
    code: 'PreflightFailed',
    kinds: byRoute,
    looksAt: ['vm.name', 'vm.filesUsedBy'],
    finds: 'Another VM uses a file of this one: that file stays, whatever the retire policy says.',
    remedy: 'Nothing, if it is a parent that several VMs have in common.',
    source: 'hyperferry: design, guarantee 1',
    look(see) {
      const others = see['vm.filesUsedBy'];
      return others.length === 0
        ? undefined
        : {
            message: `Files of VM ${see['vm.name']} are used by ${others.join(', ')} as well; they stay at the source.`,
          };
    },
  }),
  check({
    id: 'disk-format',
    severity: 'critical',
    code: 'DiskNotVhdx',
    kinds: moves,
    looksAt: ['vm.disks', 'destination.diskFormats'],
    finds: 'The destination host cannot attach a disk of this format.',
    remedy: 'Convert the disk to VHDX: on the way (--convert-to vhdx), or with Convert-VHD while the VM is off.',
    source: 'Microsoft: Get-VHD, "VhdFormat"',
    look(see, request) {
      const known = see['destination.diskFormats'];
      const arrivesAs = ({ format }: InspectedDisk) => (format === 'vhd' ? convertedTo(request) : undefined) ?? format;
      const strange = see['vm.disks'].filter((disk) => disk.attachment === 'file' && !known.includes(arrivesAs(disk)));
      if (strange.length === 0) return undefined;
      const formats = [...new Set(strange.map(arrivesAs))].join(', ');
      return { message: `The destination host reads ${known.join(', ')}, not ${formats}: ${named(strange)}.` };
    },
  }),
  check({
    id: 'vhd-size',
    severity: 'critical',
    code: 'DiskNotVhdx',
    kinds: byRoute,
    looksAt: ['vm.disks'],
    finds: 'A disk is a VHD of more than 2040 GiB, of which no copy can be made.',
    remedy: 'Convert the disk to VHDX (Convert-VHD) while the VM is off.',
    source: 'Microsoft: New-VHD, "-SizeBytes"',
    look(see) {
      const large = see['vm.disks'].filter(
        ({ format, virtualSizeBytes }) => format === 'vhd' && virtualSizeBytes > vhdBytesMax,
      );
      return large.length === 0 ? undefined : { message: `Larger than 2040 GiB: ${named(large)}.` };
    },
  }),
  check({
    id: 'chain-formats',
    severity: 'critical',
    code: 'DiskNotVhdx',
    kinds: byRoute,
    looksAt: ['vm.disks'],
    finds: 'The files of one disk are of different formats, by their names.',
    remedy:
      'Delete the VM checkpoints and let them merge, or convert the disk to one VHDX (Convert-VHD) while the VM is off.',
    source: 'Microsoft: Virtual Hard Disk Image Format Specification; [MS-VHDX]',
    look(see) {
      const mixed = see['vm.disks'].flatMap(({ diskId, format, images }) => {
        const names = namesOf[format];
        const other = names === undefined ? undefined : images.find(({ path }) => !names.test(path));
        return other === undefined ? [] : [`${diskId} (${format}) stands on ${other.path}`];
      });
      return mixed.length === 0 ? undefined : { message: `${mixed.join(', ')}.` };
    },
  }),
  check({
    id: 'disk-sectors',
    severity: 'warning',
    code: 'PreflightFailed',
    kinds: toFolder.filter((kind) => kind !== 'export' && kind !== 'import'),
    looksAt: ['vm.disks', 'place.volume', 'place.sectorBytes'],
    finds:
      'The volume has larger sectors than the disk says to its guest, so that small writes become reads and writes.',
    remedy:
      'Choose a volume with 512-byte sectors, or give the disk 4096-byte physical sectors (Set-VHD; a VHD is converted to VHDX first).',
    source: 'Microsoft: Set-VHD, "-PhysicalSectorSizeBytes"; Advanced format (4K) disk compatibility',
    look(see) {
      const [{ root }, sectorBytes] = [see['place.volume'], see['place.sectorBytes']];
      const small = see['vm.disks'].filter(
        (disk) => disk.attachment === 'file' && disk.physicalSectorBytes < sectorBytes,
      );
      if (small.length === 0) return undefined;
      return { message: `${root} has sectors of ${sectorBytes} bytes, more than ${named(small)}.` };
    },
  }),
  check({
    id: 'chain-length',
    severity: 'critical',
    code: 'PreflightFailed',
    kinds: ['quick-storage', 'warm', 'export'],
    looksAt: ['vm.disks', 'source.changeTracking'],
    finds: 'A disk has so many images that no room for those of the run is left in its chain.',
    remedy: 'Delete VM checkpoints and let them merge first, or choose "lan".',
    source: 'Microsoft: Plan for Hyper-V scalability, "Checkpoints"',
    look(see, request) {
      const layers = layersOfRun(request, isTracked(see['vm.disks'], see['source.changeTracking']));
      const long = see['vm.disks'].find(({ images }) => images.length + layers > chainImagesMax);
      if (long === undefined) return undefined;
      const message = `${named([long])} has ${long.images.length} images; with ${layers} of the run there would be more than ${chainImagesMax}.`;
      return { message };
    },
  }),
];
