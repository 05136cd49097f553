import { failureCodes, type FailureCode } from '../../../contracts/failure-codes';
import { seedsOf } from '../../../contracts/migration';
import { check, type Scenario } from '../check';
import { byRoute } from './applies';

const withSeeds: Scenario = { when: 'where the request names seeds', holds: (request) => seedsOf(request).length > 0 };

const isCode = (code: string): code is FailureCode => code in failureCodes;

/** What is wrong with the seeds of a request. */
export const seedChecks = [
  check({
    id: 'seed-of-disk',
    severity: 'critical',
    code: 'RequestInvalid',
    kinds: byRoute,
    scenario: withSeeds,
    looksAt: ['vm.name', 'vm.disks'],
    finds: 'A seed is named for a disk that the VM does not have.',
    remedy: 'Name a disk of the VM, or leave the seed out.',
    source: 'hyperferry: decision 0025',
    look(see, request) {
      const disks = see['vm.disks'].map(({ diskId }) => diskId);
      const stray = seedsOf(request).find(({ diskId }) => !disks.includes(diskId));
      if (stray === undefined) return undefined;
      return { message: `seeds: VM ${see['vm.name']} has no disk ${stray.diskId}; its disks are ${disks.join(', ')}.` };
    },
  }),
  check({
    id: 'seed-opens',
    severity: 'critical',
    code: 'DiskDamaged',
    kinds: byRoute,
    scenario: withSeeds,
    looksAt: ['there.seeds'],
    finds:
      'A seed is outside of the roots of its host, is not there, or cannot be opened as a disk with all its parents.',
    remedy:
      'Name a disk file below an allowed root of the destination host that opens (disk check), or leave the seed out.',
    source: 'hyperferry: decision 0025',
    look(see) {
      const bad = see['there.seeds'].find((one) => !one.usable);
      if (bad === undefined) return undefined;
      const message = `The seed ${bad.path} of disk ${bad.diskId} is of no use: ${bad.message}`;
      return { message, ...(isCode(bad.code) && { code: bad.code }) };
    },
  }),
  check({
    id: 'seed-size',
    severity: 'warning',
    code: 'RequestInvalid',
    kinds: byRoute,
    scenario: withSeeds,
    looksAt: ['vm.disks', 'there.seeds'],
    finds: 'A seed has another size than the disk that it is named for: it may be that of another disk.',
    remedy: 'Look whether it is the right file; what it has in common with the disk is used all the same.',
    source: 'hyperferry: decision 0025',
    look(see) {
      for (const seed of see['there.seeds']) {
        const disk = see['vm.disks'].find(({ diskId }) => diskId === seed.diskId);
        if (!seed.usable || disk === undefined || disk.virtualSizeBytes === seed.virtualSizeBytes) continue;
        const sizes = `${seed.virtualSizeBytes} bytes, the disk ${disk.virtualSizeBytes}`;
        return { message: `The seed ${seed.path} of disk ${seed.diskId} has ${sizes}.` };
      }
      return undefined;
    },
  }),
];
