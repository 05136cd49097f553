import type { ImportInspection, InspectionRequest } from '../../../../contracts/inspection';
import { roomForFilesBytes } from '../../../../contracts/room';
import { inspecting } from '../comparisons';
import type { RealHost } from '../host';
import { findImport } from '../imports/find';
import { userOf } from '../imports/uses';

/** The folder that is to be imported, as the import itself will find it. */
export async function inspectImport(
  host: RealHost,
  asked: NonNullable<InspectionRequest['imports']>,
): Promise<ImportInspection> {
  const found = await findImport(host, inspecting, asked);
  if (!found.ok) return { found: false, failure: found.failure };
  const user = await userOf(host, found.value);
  if (!user.ok) return { found: false, failure: user.failure };
  const { vmName, planned, fixUps, fileBytes } = found.value;
  return {
    found: true,
    vmName,
    memoryBytes: planned.memoryStartupBytes,
    roomBytes: roomForFilesBytes(fileBytes),
    processorCount: planned.processorCount,
    configurationVersion: planned.version,
    fixUps: [...fixUps],
    usedBy: user.value,
  };
}
