import { succeeded, type Outcome } from '../../../../contracts/failure';
import { refuse } from '../../refuse';
import type { VmValue } from '../calls/vm';
import { basename } from 'node:path';

/** All disks go into one folder, under their own names: two of one name could not. */
export function checkNames(vm: VmValue): Outcome<void> {
  const paths = [...new Set(vm.disks.flatMap(({ images }) => images.map((image) => image.path)))];
  const seen = new Map<string, string>();
  for (const path of paths) {
    const name = basename(path).toLowerCase();
    const other = seen.get(name);
    if (other !== undefined) {
      const message = `Disks ${other} and ${path} of VM ${vm.name} have one name, and are to go into one folder. Rename one of them.`;
      return refuse('VmStateWrong', vm.id, message);
    }
    seen.set(name, path);
  }
  return succeeded(undefined);
}
