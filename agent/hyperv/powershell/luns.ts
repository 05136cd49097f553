import { failed, succeeded, type Outcome } from '../../../contracts/failure';
import type { RunId, VmId } from '../../../contracts/ids';
import { refuse } from '../refuse';
import type { LunValue } from './calls/luns';
import type { RealHost } from './host';
import type { LunNote } from './lun-note';
import type { RunFile } from './run-files';

/** The notes of a run that has to do with a LUN here. */
export type LunFile = RunFile & { readonly lun: LunNote };
export const hasLun = (file: RunFile): file is LunFile => file.lun !== null;

export type SeenLun = Extract<LunValue, { isThere: true }>;

/** As this host has it now. LunMissing where the SAN does not show it. */
export async function lookAtLun(
  { client }: RealHost,
  vmId: VmId,
  { name, mountPath }: Pick<LunNote, 'name' | 'mountPath'>,
): Promise<Outcome<SeenLun>> {
  const looked = await client.call('read-lun', { Lun: name, Path: mountPath }, { vmId });
  if (!looked.ok) return looked;
  return looked.value.isThere
    ? succeeded(looked.value)
    : refuse('LunMissing', vmId, `The SAN does not show LUN ${name} to this host.`);
}

/**
 * Where this run may have put it online: a disk that the SAN does not show now Windows puts online again, as it was left, as soon as the SAN
 * does. So that it is not shown is no answer yet, and nothing counts as given back before it was seen.
 */
export async function lookAgain(host: RealHost, { vmId, lun }: LunFile): Promise<Outcome<SeenLun>> {
  const looked = await lookAtLun(host, vmId, lun);
  if (looked.ok || looked.failure.code !== 'LunMissing') return looked;
  const remedy = `Show LUN ${lun.name} to this host again. Where that cannot be, hide it from this host for good before the step is skipped.`;
  return failed({ ...looked.failure, retry: 'transient', effect: 'unknown', remedy });
}

/** Online, writable, and at its path. */
export const isMounted = ({ isOffline, isReadOnly, pathIs }: SeenLun): boolean =>
  !isOffline && !isReadOnly && pathIs === 'own';

export const mountLun = ({ client }: RealHost, { vmId, lun }: LunFile, how: 'to-read' | 'to-write') =>
  client.call('mount-lun', { Lun: lun.name, Path: lun.mountPath, IsReadOnly: how === 'to-read' }, { vmId });

/** The source keeps the path, which is its own; a destination takes it away again, and leaves the disk marked as it was. */
export const dismountLun = ({ client }: RealHost, { vmId, lun }: LunFile, whose: 'source' | 'destination') =>
  client.call(
    'dismount-lun',
    {
      Lun: lun.name,
      Path: lun.mountPath,
      RemovesPath: whose === 'destination',
      // Who puts it online at the source by mistake cannot write to it.
      IsReadOnly: whose === 'source' || lun.wasReadOnly,
    },
    { vmId },
  );

export async function noteStage({ runs }: RealHost, file: LunFile, stage: LunNote['stage']): Promise<LunFile> {
  const now = { ...file, lun: { ...file.lun, stage } };
  await runs.write(now);
  return now;
}

export const lunBusy = (vmId: VmId, run: RunId, { name }: LunNote, holder: string) =>
  refuse('LunBusy', vmId, `LUN ${name} says that ${holder} has it: nobody gave it up to this host for run ${run}.`);
