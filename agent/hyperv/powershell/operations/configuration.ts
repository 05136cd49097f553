import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { failed, succeeded } from '../../../../contracts/failure';
import { exists, removeDurably } from '../../files';
import { refuse } from '../../refuse';
import type { VmValue } from '../calls/vm';
import { checkpointOf } from '../checkpoints';
import { packagePath, readExported, writePackage, type ConfigurationPackage } from '../configuration-package';
import { disksOf, memoryBytesOf, sizesOf, stateOf } from '../facts';
import { homeOf, reservedVm, type Handler } from '../host';
import { marksIn } from '../marks';
import type { RunFile } from '../run-files';
import { checkVmCheckpoints } from './check-disks';

/**
 * Hyper-V writes the configuration of a VM that stands still, and with it the saved memory, beside the VM: on the volume that held its
 * memory before. The folder is noted before it is made. Where the package is there, all before it was done.
 */
export const exportConfiguration: Handler<'export-configuration'> = async (host, { runId }, { vmId }) => {
  const reserved = await reservedVm(host, runId, vmId);
  if (!reserved.ok) return reserved;
  const vm = reserved.value;
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  const isKept = marksIn(vm.notes).fencedBy === runId || noted.value.stop?.resumedAt === null;
  if (stateOf(vm) === 'running' || !isKept)
    return refuse(
      'VmStateWrong',
      vmId,
      `VM ${vm.name} is ${stateOf(vm)}; it must be stopped and kept so by this run before it is exported.`,
    );
  const whole = checkVmCheckpoints(vm, runId);
  if (!whole.ok) return whole;
  const sizes = sizesOf(vm);
  if (!sizes.ok) return sizes;
  const folder = join(homeOf(vm), `.hyperferry-${runId}`);
  if (noted.value.exported === folder && (await exists(packagePath(folder)))) return succeeded({});
  await host.runs.write({ ...noted.value, exported: folder });
  await removeDurably(folder);
  await mkdir(folder, { recursive: true });
  const exported = await host.client.call('export-configuration', { VmId: vmId, Folder: folder }, { vmId });
  if (!exported.ok) return failed({ ...exported.failure, effect: 'applied' });
  const files = await readExported(folder, vmId);
  if (!files.ok) return failed({ ...files.failure, effect: 'applied' });
  await writePackage(folder, packageOf(vm, noted.value, files.value));
  return succeeded({});
};

/** Rounds of pre-copy have put what their differencing disks hold into the copy of what is below them. */
function packageOf(
  vm: VmValue,
  { runId, rounds }: RunFile,
  files: ConfigurationPackage['files'],
): ConfigurationPackage {
  const hasVmCheckpoint = checkpointOf(vm, runId) !== undefined;
  return {
    schema: 1,
    driver: 'powershell',
    runId,
    vmId: vm.id,
    fromExport: null,
    vmName: vm.name,
    memoryBytes: memoryBytesOf(vm),
    switchName: vm.switchName,
    hasSavedState: stateOf(vm) === 'saved',
    endsInVmCheckpointOfRun: hasVmCheckpoint,
    disks: disksOf(vm).map(({ diskId, path, images }) => {
      const copied = rounds?.copied.find((one) => one.diskId === diskId)?.path;
      const last = images.findIndex((image) => image.path === copied);
      return {
        diskId,
        attachedPath: copied ?? (hasVmCheckpoint ? images.at(-2)?.path : undefined) ?? path,
        imageNames: images.slice(0, last === -1 ? undefined : last + 1).map((image) => basename(image.path)),
      };
    }),
    files,
  };
}

export const removeExport: Handler<'remove-export'> = async (host, { runId }, { vmId }) => {
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  if (noted.value.exported === null) return succeeded({});
  await removeDurably(noted.value.exported);
  await host.runs.write({ ...noted.value, exported: null });
  return succeeded({});
};
