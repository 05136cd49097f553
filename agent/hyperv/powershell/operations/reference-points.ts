import { succeeded, type Outcome } from '../../../../contracts/failure';
import type { VmId } from '../../../../contracts/ids';
import type { RealHost } from '../host';
import type { RoundNotes, RoundPoint } from '../round-notes';

/** Removes the reference points that Hyper-V keeps of these; those that are gone already are no error. */
export async function removePoints(
  host: RealHost,
  vmId: VmId,
  points: readonly Pick<RoundPoint, 'referencePointId'>[],
): Promise<Outcome<void>> {
  const PointIds = points.flatMap(({ referencePointId }) => (referencePointId === null ? [] : [referencePointId]));
  if (PointIds.length === 0) return succeeded(undefined);
  const removed = await host.client.call('remove-reference-points', { VmId: vmId, PointIds }, { vmId });
  return removed.ok ? succeeded(undefined) : removed;
}

/**
 * Removes the reference point that was being made when an attempt was cut short: the one that was not there before. Where there are
 * several, some are a backup's, and none is touched.
 */
export async function removeLostPoint(host: RealHost, vmId: VmId, { converting }: RoundNotes): Promise<Outcome<void>> {
  if (converting === null) return succeeded(undefined);
  const read = await host.client.call('read-reference-points', { VmId: vmId }, { vmId });
  if (!read.ok) return read;
  const lost = read.value.points.filter(({ id }) => !converting.before.includes(id));
  if (lost.length > 1) host.log(`VM ${vmId} has ${lost.length} reference points that nobody knows: none is removed`);
  return lost.length === 1
    ? removePoints(host, vmId, [{ referencePointId: lost[0]?.id ?? null }])
    : succeeded(undefined);
}
