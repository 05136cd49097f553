import { z } from 'zod';
import { vmId, type VmId } from '../../../contracts/ids';
import { FileNode, FolderNode, type FileTree } from '../platform/file-tree';

const disk = z.object({ diskId: z.string(), path: z.string() });

/** What a registration on a machine says, read from its file and not from the program that wrote it. */
const registration = z.object({
  vmId,
  state: z.string(),
  disks: z.array(disk),
  vmCheckpoints: z.array(z.object({ runId: z.string().nullable() })),
  reservedBy: z.string().nullable(),
  fencedBy: z.string().nullable(),
  retiredBy: z.string().nullable(),
  startedBy: z.object({ runId: z.string() }).nullable(),
  home: z.string(),
  leaving: z.string().nullable(),
});
export type Registration = z.infer<typeof registration>;

export function textOf(tree: FileTree, path: string): string | undefined {
  const node = tree.find(path);
  if (!(node instanceof FileNode)) return undefined;
  const bytes = Buffer.alloc(node.sizeBytes);
  node.read(bytes, 0);
  return bytes.toString('utf8');
}

/** The registration of a VM; undefined where there is none. One that is torn was never renamed to this name, so it is a bug to find one. */
export function registrationOf(tree: FileTree, vm: VmId): Registration | undefined {
  const text = textOf(tree, `host/vms/${vm}/vm.json`);
  return text === undefined ? undefined : registration.parse(JSON.parse(text));
}

/** Whether Hyper-V would start it, as far as the registration says. */
export const isRunnable = (one: Registration): boolean => one.fencedBy === null && one.retiredBy === null;

/** A file, by the machine that has it or `sharedStorage`, and its path there. */
export type FilePlace = { readonly on: string; readonly path: string };

/** Where a file is that a state file of a machine names. */
export function placeOf(machine: string, path: string): FilePlace {
  const [, on, within] = /^\/sim\/([^/]+)(\/.*)$/.exec(path) ?? [];
  return on === undefined || within === undefined ? { on: machine, path: `/host/${path}` } : { on, path: within };
}

/** Whether a hypervisor has given a VM away for good, in one handover or in any. */
export function isHandedOver(shared: FileTree, vm: VmId, jobId?: string): boolean {
  const folder = `/handovers/${vm}`;
  const jobs = jobId === undefined ? namesIn(shared, folder) : [jobId];
  return jobs.some((job) => ['committed', 'arrived'].some((name) => isThere(shared, `${folder}/${job}/${name}.json`)));
}

export function namesIn(tree: FileTree, path: string): string[] {
  const node = tree.find(path);
  return node instanceof FolderNode ? [...node.entries.keys()] : [];
}

export const isThere = (tree: FileTree, path: string): boolean => tree.find(path) !== undefined;

/** Names of files below a folder, for a report of what was left. */
export function* pathsBelow(tree: FileTree, path: string): Generator<string> {
  const node = tree.find(path);
  if (node instanceof FileNode) yield path;
  if (!(node instanceof FolderNode)) return;
  if (node.entries.size === 0) yield `${path}/`;
  for (const name of node.entries.keys()) yield* pathsBelow(tree, `${path}/${name}`);
}
