import { succeeded } from '../../../../contracts/failure';
import { roomForFilesBytes } from '../../../../contracts/room';
import type { Handler } from '../host';
import { findImport } from '../imports/find';
import { checkId } from '../imports/uses';

export const compareImport: Handler<'compare-import'> = async (host, { runId }, input) => {
  const isFree = await checkId(host, runId, input.vmId);
  if (!isFree.ok) return isFree;
  const found = await findImport(host, runId, input);
  if (!found.ok) return found;
  const { vmName, planned, fileBytes, fixUps } = found.value;
  return succeeded({
    vmName,
    memoryBytes: planned.memoryStartupBytes,
    roomBytes: roomForFilesBytes(fileBytes),
    fixUps: [...fixUps],
  });
};
