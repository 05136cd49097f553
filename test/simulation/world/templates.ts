import type { VmId } from '../../../contracts/ids';
import { Draw } from '../platform/chance';
import { done } from '../platform/file-fates';
import type { FileTree } from '../platform/file-tree';
import { FileNode, FolderNode, keepPages } from '../platform/file-tree';
import { Loop } from '../platform/loop';
import { MachineFiles } from '../platform/machine-files';
import { folderOf, usePlatform } from '../platform/modules';
import { Network } from '../platform/network';
import { RelayService } from '../platform/relay-service';
import { makeCertificates } from './keys';
import { made, machineNames, makeVms, sharedStorage } from './make-vms';
import { lunNameOf, vmsOf, type SimulatedVm, type Size } from './vms';

export type VmTemplate = SimulatedVm & { readonly vmId: VmId; readonly vmCheckpointIds: readonly string[] };

/** What every seed begins with: made once a process by the product's own code, then copied page by page when it is written. */
export type Templates = {
  readonly vms: readonly VmTemplate[];
  /** The files of a machine on which these VMs are. `isJoined`: it shares storage with the others. */
  readonly machine: (name: string, vms: readonly VmId[], isJoined: boolean) => FileTree;
  /** The storage that machines share, with the machine where each VM is. */
  readonly shared: (owners: ReadonlyMap<VmId, string>) => FileTree;
};

/** Where the export of the VM that is imported lies on its machine. */
export const exportFolderOf = (machine: string): string =>
  folderOf(machine, 'host', 'volumes', 'vms', 'exports', 'exported');

/** How often a hypervisor looks for VMs that others hand over. */
const joinedLookMs = 700;

const quietFiles = (loop: Loop): MachineFiles =>
  new MachineFiles({
    loop,
    draw: new Draw(0, 'template'),
    syncMsMax: 0,
    fateOf: () => done,
    namesChanged: () => undefined,
    written: () => undefined,
  });

export async function makeTemplates(size: Size): Promise<Templates> {
  const simulatedVms = vmsOf(size);
  const loop = new Loop(Date.UTC(2027, 0, 1));
  const [files, shared] = [quietFiles(loop), quietFiles(loop)];
  const draw = new Draw(0, 'nobody');
  usePlatform({
    filesOf: (machine) => (machine === made ? files : machine === sharedStorage ? shared : undefined),
    network: new Network({ loop, draw, bytesPerSecond: 1, latencyMs: 1 }),
    relay: new RelayService({
      loop,
      draw,
      latencyMs: 1,
      passageOf: () => {
        throw new Error('nobody calls while templates are made');
      },
      isCutOff: () => true,
    }),
  });
  const making = makeVms(loop, size);
  let vms: VmId[] | undefined;
  void making.then((all) => (vms = all));
  await loop.run(
    Number.MAX_SAFE_INTEGER,
    () => vms !== undefined,
    () => undefined,
  );
  const ids = await making;
  const all = simulatedVms.map((vm, index) => templateOf(files.tree, vm, ids[index]));
  keepPages();
  const certificates = await makeCertificates(machineNames.length);
  return {
    vms: all,
    machine: (name, ids, isJoined) => {
      const tree = machineWith(files.tree, all, ids);
      const certificate = certificates[machineNames.findIndex((one) => one === name)];
      if (certificate === undefined) throw new Error(`no certificate for ${name}`);
      putFile(tree, ['state', 'byte-route.pem'], `${certificate.key.trim()}\n${certificate.cert.trim()}\n`);
      const host = JSON.parse(textIn(tree, 'host/host.json')) as object;
      const fabric = isJoined ? { folder: folderOf(sharedStorage), name, lookMs: joinedLookMs } : null;
      putFile(tree, ['host', 'host.json'], JSON.stringify({ ...host, fabric }));
      return tree;
    },
    shared: (owners) => sharedWith(shared.tree, all, owners),
  };
}

const textIn = (tree: FileTree, path: string): string => {
  const node = tree.find(path);
  if (!(node instanceof FileNode)) throw new Error(`the template has no ${path}`);
  const bytes = Buffer.alloc(node.sizeBytes);
  node.read(bytes, 0);
  return bytes.toString('utf8');
};

function templateOf(tree: FileTree, vm: SimulatedVm, vmId: VmId | undefined): VmTemplate {
  if (vmId === undefined) throw new Error(`VM ${vm.spec.name} was not made`);
  const { vmCheckpoints } = JSON.parse(textIn(tree, `host/vms/${vmId}/vm.json`)) as { vmCheckpoints: { id: string }[] };
  return { ...vm, vmId, vmCheckpointIds: vmCheckpoints.map(({ id }) => id) };
}

const folderIn = (tree: FileTree, path: string): FolderNode => {
  const folder = tree.find(path);
  if (folder instanceof FolderNode) return folder;
  throw new Error(`the template has no ${path}`);
};

const keepOnly = (folder: FolderNode, keeps: (name: string) => boolean): void => {
  for (const name of [...folder.entries.keys()]) if (!keeps(name)) folder.entries.delete(name);
};

function machineWith(template: FileTree, all: readonly VmTemplate[], ids: readonly VmId[]): FileTree {
  const whole = template.copy();
  const here = all.filter(({ vmId }) => ids.includes(vmId));
  const isRegistered = (name: string): boolean => here.some(({ vmId, place }) => vmId === name && place !== 'exported');
  keepOnly(folderIn(whole, 'host/vms'), isRegistered);
  const hasExport = here.some(({ place }) => place === 'exported');
  keepOnly(folderIn(whole, 'host/volumes/vms'), (name) => isRegistered(name) || (hasExport && name === 'exports'));
  return whole;
}

function sharedWith(template: FileTree, all: readonly VmTemplate[], owners: ReadonlyMap<VmId, string>): FileTree {
  const whole = template.copy();
  for (const vm of all) {
    const owner = owners.get(vm.vmId);
    const home = vm.place === 'lun' ? `luns/${lunNameOf(vm)}` : 'volumes/csv1';
    if (owner === undefined && vm.place !== 'own' && vm.place !== 'exported')
      keepOnly(folderIn(whole, home), (name) => name !== vm.vmId);
    if (vm.place === 'lun')
      putFile(whole, ['luns', `${lunNameOf(vm)}.owner.json`], JSON.stringify({ host: owner ?? machineNames[0] }));
    const role = JSON.stringify({ schema: 1, vmId: vm.vmId, owner });
    if (vm.place === 'shared' && owner !== undefined) putFile(whole, ['roles', `${vm.vmId}.json`], role);
    else if (vm.place === 'shared') keepOnly(folderIn(whole, 'roles'), (name) => name !== `${vm.vmId}.json`);
  }
  return whole;
}

function putFile(tree: FileTree, names: readonly string[], text: string): void {
  const [name = '', ...folders] = [...names].reverse();
  let folder = tree.root;
  for (const one of folders.reverse()) {
    const next = folder.entries.get(one);
    const made = next instanceof FolderNode ? next : new FolderNode();
    folder.entries.set(one, made);
    folder = made;
  }
  const file = new FileNode();
  file.write(Buffer.from(text), 0);
  file.sync();
  folder.entries.set(name, file);
}
