import { rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { failed, failureOf, succeeded, type Outcome } from '../../../../contracts/failure';
import type { OperationInput } from '../../../../contracts/operations';
import { openDisk } from '../../../disks/chain';
import { chunkBytes, allChunks } from '../../../disks/chunks';
import { createImage, formatOfName } from '../../../disks/open-image';
import { relinkParent } from '../../../disks/relink-parent';
import type { DriverContext } from '../../driver';
import { copyFiles, exportLayout, publishedFolder, unpublishedFolder, type FileCopy } from '../../home/export-folder';
import { diskFactsOf } from '../facts';
import { syncFolder } from '../../../files';
import { exists, makeFolder, removeDurably, writeJsonAtomic } from '../../files';
import { resolveOnHost, rootsOf, type Handler, type SimulatedHost } from '../host';
import type { AttachedDisk, ExportedConfiguration, VmRecord } from '../records';
import { hadEffect } from '../../afterwards';
import { refuse } from '../../refuse';
import { reservedVm } from '../refusals';
import { configurationOf } from './export-configuration';
import { vmCheckpointOf } from './take-vm-checkpoint';

/** What of a VM is exported: its settings with the chains of its disks, or one disk made of each chain. */
type Content = {
  readonly configuration: ExportedConfiguration;
  readonly copies: readonly FileCopy[];
  readonly flattened: readonly { readonly from: string; readonly to: string }[];
};

/**
 * A VM that runs is exported below the VM checkpoint of this run, as its disks were at that moment and without its memory; one that stands
 * still is exported with its saved state. Of one VM checkpoint, each chain is merged into one new disk.
 */
export const exportVm: Handler<'export-vm'> = async (host, context, input) => {
  const { vmId, folder, part } = input;
  const reserved = reservedVm(host, context.runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  const place = await resolveOnHost(host, folder);
  if (!place.ok) return place;
  if (await exists(publishedFolder(place.value, vm.name)))
    return refuse('DestinationOccupied', vmId, `${publishedFolder(place.value, vm.name)} is there already.`);
  const target = unpublishedFolder(place.value, vm.name, context.runId);
  const content = await contentOf(host, context, vm, input, target);
  if (!content.ok) return content;
  const written = await writeContent(host, context, content.value, part, target);
  if (!written.ok) return failed(hadEffect(written.failure));
  await writeJsonAtomic(exportLayout(target).configuration(vmId), content.value.configuration);
  await host.reached('export-written');
  return succeeded({
    exportedBytes: written.value,
    files: content.value.copies.length + content.value.flattened.length + 1,
  });
};

/** Everything but the configuration. Answers the bytes that were copied. */
async function writeContent(
  host: SimulatedHost,
  context: DriverContext,
  content: Content,
  part: OperationInput<'export-vm'>['part'],
  target: string,
): Promise<Outcome<number>> {
  const { disks, machines } = exportLayout(target);
  for (const one of [disks, machines]) await makeFolder(one);
  const copied = await copyFiles(host, context, part === 'configuration' ? [] : content.copies);
  if (!copied.ok) return copied;
  for (const { from, to } of content.flattened) {
    const made = await flatten(host, context, from, to);
    if (!made.ok) return made;
  }
  const linked = part === 'configuration' ? succeeded(undefined) : await relink(host, content, disks);
  return linked.ok ? copied : linked;
}

async function contentOf(
  host: SimulatedHost,
  { runId }: DriverContext,
  vm: VmRecord,
  { part, vmCheckpointId }: OperationInput<'export-vm'>,
  target: string,
): Promise<Outcome<Content>> {
  const layout = exportLayout(target);
  if (part === 'vm-checkpoint') return ofVmCheckpoint(host, runId, vm, vmCheckpointId, layout.disks);
  const isOfRun = vmCheckpointOf(vm, runId)?.stage === 'taken';
  if (vm.state === 'running' && !isOfRun && part === 'whole')
    return refuse('VmStateWrong', vm.vmId, `VM ${vm.name} runs and has no VM checkpoint of run ${runId}.`);
  const disks = await diskFactsOf(host, vm);
  if (!disks.ok) return disks;
  const running = vm.state === 'running';
  const configuration = { ...configurationOf(vm, runId, disks.value, running), endsInVmCheckpointOfRun: false };
  const copies = configuration.disks.flatMap(({ diskId, imageNames }) => {
    const images = disks.value.find((disk) => disk.diskId === diskId)?.images ?? [];
    return imageNames.flatMap((name, index): FileCopy[] => {
      const from = images[index]?.path;
      return from === undefined ? [] : [{ from, to: join(layout.disks, name) }];
    });
  });
  const memory =
    vm.savedState === null || running ? [] : [{ from: vm.savedState.path, to: layout.savedState(vm.vmId) }];
  return succeeded({ configuration, copies: [...copies, ...memory], flattened: [] });
}

function ofVmCheckpoint(
  host: SimulatedHost,
  runId: DriverContext['runId'],
  vm: VmRecord,
  vmCheckpointId: string | null,
  folder: string,
): Outcome<Content> {
  const taken = vm.vmCheckpoints.find(
    ({ id, stage, runId: owner }) => id === vmCheckpointId && stage === 'taken' && owner === null,
  );
  if (taken === undefined)
    return refuse('NotFound', vm.vmId, `VM ${vm.name} has no VM checkpoint ${vmCheckpointId ?? '(none named)'}.`);
  const nameOf = ({ diskId, path }: AttachedDisk): string =>
    `${vm.name.replaceAll(/[^\w.-]/g, '_')}-${diskId}.${formatOfName(path) ?? 'vhdx'}`;
  const plain = configurationOf({ ...vm, savedState: null, shutDownBy: null, vmCheckpoints: [] }, runId, [], true);
  const disks = taken.frozen.map((disk) => ({
    diskId: disk.diskId,
    attachedPath: disk.path,
    imageNames: [nameOf(disk)],
  }));
  return succeeded({
    configuration: { ...plain, disks, endsInVmCheckpointOfRun: false },
    copies: [],
    flattened: taken.frozen.map((disk) => ({ from: disk.path, to: join(folder, nameOf(disk)) })),
  });
}

/** One new disk of what a guest would read of a chain. Chunks that read zero are left out. */
async function flatten(host: SimulatedHost, context: DriverContext, from: string, to: string): Promise<Outcome<void>> {
  if (await exists(to)) return succeeded(undefined);
  const partial = `${to}.partial`;
  await removeDurably(partial);
  const opened = await openDisk(from, { access: 'read', roots: rootsOf(host) });
  if (!opened.ok) return opened;
  const disk = opened.value;
  try {
    const last = disk.images.at(-1);
    if (last === undefined) throw new Error('a chain has a last image');
    const { parent: _parent, ...shape } = last.shape;
    const base = disk.images[0]?.shape.blockSizeBytes ?? shape.blockSizeBytes;
    const format = formatOfName(to) ?? 'vhdx';
    const dataWriteId = host.newGuid();
    const virtualDiskId = format === 'vhd' ? dataWriteId : shape.virtualDiskId;
    const made = await createImage(
      format,
      partial,
      { ...shape, kind: 'dynamic', blockSizeBytes: base, virtualDiskId, dataWriteId },
      { tables: 'ordered', dataWriteId: 'kept', newGuid: host.newGuid, nowMs: () => host.clock.now() },
    );
    if (!made.ok) return made;
    for (const offset of allChunks(disk)) {
      if (context.signal.aborted) break;
      const bytes = Buffer.alloc(Math.min(chunkBytes, disk.virtualSizeBytes - offset));
      await disk.read(bytes, offset);
      if (bytes.some((byte) => byte !== 0)) await made.value.write(bytes, offset);
    }
    await made.value.flush();
    await made.value.close();
  } finally {
    await disk.close();
  }
  if (context.signal.aborted)
    return failed(failureOf('CanceledByOperator', { message: 'The export was stopped.', effect: 'applied' }));
  await rename(partial, to);
  await syncFolder(dirname(to));
  return succeeded(undefined);
}

/** Each differencing disk finds its parent beside it. */
async function relink(host: SimulatedHost, content: Content, folder: string): Promise<Outcome<void>> {
  if (content.flattened.length > 0) return succeeded(undefined);
  for (const { imageNames } of content.configuration.disks)
    for (const [index, name] of imageNames.entries()) {
      const below = imageNames[index - 1];
      if (below === undefined) continue;
      const linked = await relinkParent(join(folder, name), basename(below), { newGuid: host.newGuid });
      if (!linked.ok) return linked;
    }
  return succeeded(undefined);
}
