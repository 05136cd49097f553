import { hostEventsMax, hostEventTextMax, type Failure } from '../../../contracts/failure';
import type { VmId } from '../../../contracts/ids';
import { isoTime } from '../../clock';
import type { RealHost } from './host';

/**
 * A failure with what Hyper-V wrote of the VM to its event logs since `sinceMs` (Microsoft-Windows-Hyper-V-VMMS-Admin, -Worker-Admin and
 * -High-Availability-Admin). Only where Hyper-V itself refused something; where the logs cannot be read the failure is as it was.
 */
export async function withEvents(
  { client, clock, log }: RealHost,
  vmId: VmId,
  sinceMs: number,
  failure: Failure,
): Promise<Failure> {
  if (failure.native === undefined) return failure;
  // The logs count whole seconds in places, and the host's own clock may have been set meanwhile.
  const SinceMs = Math.max(0, Math.min(sinceMs, clock.now()) - 2000);
  const read = await client.call('read-events', { VmId: vmId, SinceMs, Count: hostEventsMax }, { vmId });
  if (!read.ok) log(`the event logs of Hyper-V were not read: ${read.failure.code}: ${read.failure.message}`);
  if (!read.ok || read.value.events.length === 0) return failure;
  const events = read.value.events.map(({ atMs, log, id, message }) => ({
    at: isoTime(atMs),
    log: log.slice(0, 60),
    id,
    message: oneLine(message).slice(0, hostEventTextMax),
  }));
  return { ...failure, events };
}

const oneLine = (text: string): string => text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
