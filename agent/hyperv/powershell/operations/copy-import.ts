import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { succeeded } from '../../../../contracts/failure';
import type { OperationInput } from '../../../../contracts/operations';
import type { RunId } from '../../../../contracts/ids';
import { makeFolder, writeJsonAtomic } from '../../files';
import { copyFiles, type FileCopy } from '../../home/export-folder';
import { homeLayout, pulledImagePath } from '../../home/layout';
import type { ConfigurationPackage } from '../configuration-package';
import { exportedFiles, nameOf } from '../exported-files';
import type { Handler } from '../host';
import { findImport, type FoundImport } from '../imports/find';
import { checkId } from '../imports/uses';
import { placeholderOf } from '../placing';

/** Every file goes where a pull would have put it, so that the rest of the import is that of a move. The folder stays as it is. */
export const copyImport: Handler<'copy-import'> = async (host, context, input) => {
  const { vmId, folder } = input;
  const noted = await placeholderOf(host, context.runId, vmId, folder);
  if (!noted.ok) return noted;
  const { home, imported } = noted.value.placed;
  if (imported !== null) return succeeded({ copiedBytes: 0 });
  const isFree = await checkId(host, context.runId, vmId);
  if (!isFree.ok) return isFree;
  const found = await findImport(host, context.runId, input);
  if (!found.ok) return found;
  const { disks, memoryPath, besides } = found.value;
  const images = disks.flatMap(({ diskId, paths }) =>
    paths.map((from, index): FileCopy => ({ from, to: pulledImagePath(home, diskId, index) })),
  );
  const memory = memoryPath === null ? [] : [{ from: memoryPath, to: homeLayout(home).savedStateOf(vmId) }];
  const others = besides.map(({ path, within }): FileCopy => ({ from: path, to: join(home, within) }));
  for (const { to } of others) await makeFolder(dirname(to));
  const copied = await copyFiles(host, context, [...images, ...memory, ...others]);
  if (!copied.ok) return copied;
  await writeJsonAtomic(homeLayout(home).pulledConfiguration, await packageOf(found.value, context.runId, input));
  return succeeded({ copiedBytes: copied.value });
};

async function packageOf(
  found: FoundImport,
  runId: RunId,
  { vmId }: OperationInput<'copy-import'>,
): Promise<ConfigurationPackage> {
  const { exportedVmId } = found;
  const files = (await exportedFiles(found.folder)).filter(
    ({ id, ending }) => id === exportedVmId && ending !== 'vmrs',
  );
  const contents = files.map(async ({ path }) => ({
    name: nameOf(path),
    base64: (await readFile(path)).toString('base64'),
  }));
  return {
    schema: 1,
    driver: 'powershell',
    runId,
    vmId,
    fromExport: { exportedVmId, vmName: found.planned.name, switchName: found.planned.switches[0] ?? null },
    vmName: found.vmName,
    memoryBytes: found.planned.memoryStartupBytes,
    switchName: found.switchName,
    hasSavedState: found.memoryPath !== null,
    endsInVmCheckpointOfRun: false,
    disks: found.disks.map(({ diskId, attachedPath, paths }) => ({
      diskId,
      attachedPath,
      imageNames: paths.map(nameOf),
    })),
    files: await Promise.all(contents),
  };
}
