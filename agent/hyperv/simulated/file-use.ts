import { stat } from 'node:fs/promises';
import { chainImagesMax } from '../../../contracts/limits';
import { openImage } from '../../disks/open-image';
import { parentCandidates } from '../../disks/parent-paths';
import { ifExists } from '../../files';
import type { SimulatedHost } from './host';
import type { VmRegistration } from './records';

export type UsedFile = { readonly path: string; readonly sizeBytes: number };

/**
 * The files that make up a VM: every image that its disks and VM checkpoints stand on, as far as the chains can be followed, and its
 * saved state. A chain that is broken ends where it breaks: what cannot be reached through it is not known to be the VM's.
 */
export async function filesOfVm(host: SimulatedHost, vm: VmRegistration): Promise<UsedFile[]> {
  // What a guest has open may only be asked of the guest: the tables in its last image change.
  const guest = vm.state === 'running' ? host.guests.get(vm.vmId) : undefined;
  const open = guest?.currentDisks.flatMap(({ disk }) => disk.images.map((image) => image.path));
  const starts = [...(open === undefined ? vm.disks : []), ...vm.vmCheckpoints.flatMap((taken) => taken.frozen)].map(
    (disk) => disk.path,
  );
  const paths = new Set<string>(open);
  for (const start of starts) for (const path of await chainPaths(start)) paths.add(path);
  if (vm.savedState !== null) paths.add(vm.savedState.path);
  const files: UsedFile[] = [];
  for (const path of paths) {
    const facts = await ifExists(stat(path));
    if (facts !== undefined) files.push({ path, sizeBytes: facts.size });
  }
  return files;
}

/** Every file that some registration but that one, some placeholder or some retired source on this host stands on. */
export async function filesInUseExcept(host: SimulatedHost, vm?: VmRegistration): Promise<ReadonlySet<string>> {
  const { state } = host;
  const all: VmRegistration[] = [
    ...state.vms,
    ...state.planned.flatMap((planned) => (planned.imported === null ? [] : [planned.imported.vm])),
    ...state.retired.map((retired) => retired.vm),
  ];
  const inUse = new Set<string>();
  for (const other of all) if (other !== vm) for (const file of await filesOfVm(host, other)) inUse.add(file.path);
  return inUse;
}

async function chainPaths(start: string): Promise<string[]> {
  const paths: string[] = [];
  for (let next: string | undefined = start; next !== undefined && paths.length < chainImagesMax;) {
    if (paths.includes(next)) break;
    paths.push(next);
    next = await parentOf(next);
  }
  return paths;
}

async function parentOf(path: string): Promise<string | undefined> {
  const opened = await openImage(path, { access: 'read' });
  if (!opened.ok) return undefined;
  const link = opened.value.shape.parent;
  await opened.value.close();
  if (link === undefined) return undefined;
  for (const candidate of parentCandidates(path, link))
    if ((await ifExists(stat(candidate))) !== undefined) return candidate;
  return undefined;
}
