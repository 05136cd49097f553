import { createHost, createVm, type VmSpec } from '../../../agent/hyperv/simulated';
import type { VmId } from '../../../contracts/ids';
import { Draw } from '../platform/chance';
import { done } from '../platform/file-fates';
import type { FileTree } from '../platform/file-tree';
import { FileNode, FolderNode } from '../platform/file-tree';
import { Loop } from '../platform/loop';
import { MachineFiles } from '../platform/machine-files';
import { folderOf, usePlatform } from '../platform/modules';
import { Network } from '../platform/network';
import { RelayService } from '../platform/relay-service';
import { makeCertificates } from './keys';

const kib = 1024;
const mib = 1024 * kib;

/** A guest that does little, so that most of a seed's time goes to what is tested. */
const guest = {
  workAreaBytes: 256 * kib,
  outskirtsBytes: 512 * kib,
  flushEveryMs: 5_000,
  writeBytesPerSecond: 6 * kib,
};
const disk = { virtualSizeBytes: 12 * mib, blockSizeBytes: mib, dataBytes: 3 * mib } as const;

/** The VMs that a simulated site is made of. */
const vmSpecs: readonly VmSpec[] = [
  { name: 'one-disk', seed: 11, memoryBytes: mib, disks: [disk], guest },
  { name: 'two-disks', seed: 12, memoryBytes: mib / 2, disks: [disk, { ...disk, dataBytes: mib }], guest },
  { name: 'checkpointed', seed: 13, memoryBytes: mib / 2, disks: [disk], vmCheckpoints: ['before'], guest },
  { name: 'four-kib-sectors', seed: 14, memoryBytes: mib / 4, disks: [{ ...disk, sectorSizeBytes: 4096 }], guest },
];

export const machineNames = ['hv-a', 'hv-b', 'hv-c'] as const;

export type VmTemplate = { readonly vmId: VmId; readonly spec: VmSpec };

/** What every seed begins with: made once a process by the product's own code, then copied page by page when it is written. */
export type Templates = {
  readonly vms: readonly VmTemplate[];
  /** The files of a machine on which these VMs run. */
  readonly machine: (name: string, vms: readonly VmId[]) => FileTree;
};

const made = 'template';

export async function makeTemplates(): Promise<Templates> {
  const loop = new Loop(Date.UTC(2027, 0, 1));
  const files = new MachineFiles({
    loop,
    draw: new Draw(0, 'template'),
    syncMsMax: 0,
    fateOf: () => done,
    namesChanged: () => undefined,
    written: () => undefined,
  });
  const draw = new Draw(0, 'nobody');
  usePlatform({
    filesOf: (machine) => (machine === made ? files : undefined),
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
  const making = makeAll();
  let result: Omit<Templates, 'machine'> | undefined;
  void making.then((vms) => (result = { vms }));
  await loop.run(
    Number.MAX_SAFE_INTEGER,
    () => result !== undefined,
    () => undefined,
  );
  const vms = await making;
  const certificates = await makeCertificates(machineNames.length);
  return {
    vms,
    machine: (name, ids) => {
      const tree = machineWith(files.tree, ids);
      const certificate = certificates[machineNames.findIndex((one) => one === name)];
      if (certificate === undefined) throw new Error(`no certificate for ${name}`);
      putFile(tree, ['state', 'byte-route.pem'], `${certificate.key.trim()}\n${certificate.cert.trim()}\n`);
      return tree;
    },
  };
}

async function makeAll(): Promise<VmTemplate[]> {
  const folder = folderOf(made, 'host');
  await createHost(folder, { memoryBytes: 64 * mib, volumes: [{ name: 'vms', sizeBytes: 4096 * mib }] });
  const vms: VmTemplate[] = [];
  for (const spec of vmSpecs) {
    const created = await createVm(folder, spec);
    if (!created.ok) throw new Error(created.failure.message);
    vms.push({ vmId: created.value, spec });
  }
  return vms;
}

function machineWith(template: FileTree, vms: readonly VmId[]): FileTree {
  const whole = template.copy();
  for (const path of ['host/vms', 'host/volumes/vms']) {
    const folder = whole.find(path);
    if (!(folder instanceof FolderNode)) throw new Error(`the template has no ${path}`);
    for (const name of [...folder.entries.keys()]) if (!vms.some((vm) => vm === name)) folder.entries.delete(name);
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
