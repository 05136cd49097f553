import { join } from 'node:path';
import type { DiskId, RunId, VmId } from '../../../contracts/ids';
import type { PullSubject } from '../../../contracts/operations';

/** Folders and files of a VM below its home, named as Hyper-V names them. */
export const homeLayout = (home: string) => ({
  home,
  disks: join(home, 'Virtual Hard Disks'),
  savedStates: join(home, 'Virtual Machines'),
  savedStateOf: (vm: VmId) => join(home, 'Virtual Machines', `${vm}.vmrs`),
  /** The configuration of a VM that goes over with its LUN. */
  writtenConfiguration: (run: RunId) => join(home, 'Virtual Machines', `${run}.configuration.json`),
  pulledConfiguration: join(home, 'Virtual Machines', 'pulled-configuration.json'),
  /** What a run needs while it builds the VM; removed by release. */
  mark: join(home, '.hyperferry'),
  markFile: join(home, '.hyperferry', 'run.json'),
  journals: join(home, '.hyperferry', 'journals'),
  roundFile: (disk: DiskId, round: number) => join(home, '.hyperferry', 'rounds', `${round}-${disk}.json`),
});

/** Where the byte route puts an image. The import gives it the name that it had at the source. */
export const pulledImagePath = (home: string, diskId: DiskId, index: number): string =>
  join(homeLayout(home).disks, `${diskId}-${index}.pulled`);

const mergedSuffix = '.merged';

/** What a differencing disk is called once its content is in its parent. It is kept until release, to say what it had touched. */
export const mergedPath = (path: string): string => path + mergedSuffix;
export const isMergedPath = (path: string): boolean => path.endsWith(mergedSuffix);
/** What it was called before. */
export const unmergedPath = (path: string): string => (isMergedPath(path) ? path.slice(0, -mergedSuffix.length) : path);

/** Where the byte route writes what it pulls, and by which name its journal is known. */
export function pulledPlace(home: string, vmId: VmId, subject: PullSubject): { path: string; name: string } {
  if (subject.type === 'image') {
    const { diskId, index } = subject;
    return { path: pulledImagePath(home, diskId, index), name: `${diskId}-${index}` };
  }
  if (subject.type === 'changes') {
    const { diskId, index, round } = subject;
    return { path: pulledImagePath(home, diskId, index), name: `${diskId}-${index}-round-${round}` };
  }
  if (subject.type === 'ranges') {
    const { diskId, round } = subject;
    return { path: homeLayout(home).roundFile(diskId, round), name: `${diskId}-ranges-${round}` };
  }
  const { pulledConfiguration, savedStateOf } = homeLayout(home);
  return { path: subject.file === 'memory' ? savedStateOf(vmId) : pulledConfiguration, name: subject.file };
}
