import { failed, failureOf, succeeded } from '../../../../contracts/failure';
import { isoTime } from '../../../clock';
import type { Handler } from '../host';
import { registeredVm } from '../refusals';

const lookMs = 100;

/** Looks only: it holds up no other operation of the VM. */
export const awaitHeartbeat: Handler<'await-heartbeat'> = async (host, { signal, report }, { vmId, waitMsMax }) => {
  const beganAtMs = host.clock.now();
  for (;;) {
    const registered = registeredVm(host, vmId);
    if (!registered.ok) return registered;
    const vm = registered.value;
    const guest = host.guests.get(vmId);
    if (vm.state === 'running' && guest?.heartbeat === 'ok') {
      const measured = guest.outageMs ?? vm.guestOutageMs;
      const seenAt = isoTime(host.clock.now());
      return succeeded({ seenAt, ...(measured !== null && { guestOutageMs: measured }) });
    }
    const message = `No heartbeat of VM ${vm.name} in ${waitMsMax} ms; it is ${vm.state}.`;
    if (signal.aborted || host.clock.now() - beganAtMs >= waitMsMax)
      return failed(failureOf('HeartbeatMissing', { message, subject: { vmId } }));
    report({ bytesDone: 0, bytesTotal: 0, bytesPerSecond: 0, waitingFor: `the heartbeat of VM ${vm.name}` });
    await host.clock.sleep(lookMs, signal);
  }
};
