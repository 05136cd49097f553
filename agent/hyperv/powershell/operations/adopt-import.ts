import { succeeded } from '../../../../contracts/failure';
import { changesOf } from '../../home/changes';
import { refuse } from '../../refuse';
import type { Handler } from '../host';
import { findImport, type FoundImport } from '../imports/find';
import { checkId, userOf } from '../imports/uses';
import { isPlaceholder } from '../placing';
import type { ImportedPlan } from '../run-files';

/** The folder itself becomes the placeholder: its files are left as they are until Hyper-V registers the VM, which is when it starts. */
export const adoptImport: Handler<'adopt-import'> = async (host, { runId }, input) => {
  const { vmId } = input;
  const noted = await host.runs.read(runId, vmId);
  if (!noted.ok) return noted;
  const before = noted.value.placed?.imported;
  if (before) return succeeded({ changes: before.changes });
  const all = await host.runs.all();
  if (!all.ok) return all;
  const other = all.value.find((file) => file.vmId === vmId && file.runId !== runId && isPlaceholder(file));
  if (other !== undefined)
    return refuse('DestinationOccupied', vmId, `Run ${other.runId} has a placeholder of VM ${vmId} on this host.`);
  const isFree = await checkId(host, runId, vmId);
  if (!isFree.ok) return isFree;
  const found = await findImport(host, runId, input);
  if (!found.ok) return found;
  const user = await userOf(host, found.value);
  if (!user.ok) return user;
  if (user.value !== null)
    return refuse(
      'DestinationOccupied',
      vmId,
      `VM ${user.value} uses what is in ${found.value.folder}: import a copy.`,
    );
  const imported = planOf(found.value, input);
  const { folder: home, vmName } = found.value;
  const placed = { home, vmName, madeFolders: [], isAdopted: true, imported, startedAt: null };
  await host.runs.write({ ...noted.value, placed });
  return succeeded({ changes: imported.changes });
};

function planOf(
  { planned, vmName, switchName, memoryPath, configurationPath, exportedVmId, disks }: FoundImport,
  input: Parameters<typeof adoptImport>[2],
): ImportedPlan {
  const attached = disks.map(({ diskId, paths }) => ({ diskId, path: paths.at(-1) ?? '' }));
  const [wasConnectedTo = null] = planned.switches;
  const after = { switchName, disks: attached, savedStatePath: memoryPath, configurationPath };
  return {
    vmName,
    fromExport: {
      exportedVmId,
      configurationPath,
      newName: input.name,
      cameWithLun: false,
      isRegistering: false,
    },
    memoryBytes: planned.memoryStartupBytes,
    asked: input.switchName,
    switchName,
    hasSavedState: memoryPath !== null,
    changes: changesOf({ switchName: wasConnectedTo, disks }, after, []),
    disks: attached,
    differencing: [],
  };
}
