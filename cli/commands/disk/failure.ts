import type { Failure } from '../../../contracts/failure';
import type { ExitName } from '../../exit';
import type { CliFailure } from '../../failure';

function exitOf(code: Failure['code']): ExitName {
  switch (code) {
    case 'DiskNotVhdx':
    case 'DiskTruncated':
    case 'DiskDamaged':
    case 'DiskChainBroken':
    case 'DigestMismatch':
      return 'damaged';
    case 'RequestInvalid':
      return 'badInput';
    case 'CanceledByOperator':
      return 'interrupted';
    // Everything else is refused by the machine, or by what is there.
    default:
      return 'refused';
  }
}

/** Remedies of the contracts speak of hosts and transfers; here is one machine and one command. */
const remedies: Partial<Record<Failure['code'], string>> = {
  PathOutsideRoots: 'Name the folder of every file of the chain with --root.',
  DiskNotVhdx: 'Name a VHD or VHDX; of a raw image, name it .raw or .img, or say --raw.',
  DiskFull: 'Free room on the volume and give the same command again; a copy goes on from where it was.',
  IoFailed: 'Check that the file is there and may be read or written, and that its disk is well.',
};

/** What a failure of a disk means to the person at the command line. */
export function failureOfDisk(failure: Failure): CliFailure {
  const { code, message, subject, remedy } = failure;
  return {
    exit: exitOf(code),
    title: `the disk cannot be used as asked (${code})`,
    detail: message,
    field: subject.field,
    value: subject.value,
    remedy: remedies[code] ?? remedy,
  };
}
