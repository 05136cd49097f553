import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import type { HostId } from '../../../contracts/ids';
import type { HostFirewall } from '../driver';
import type { Client } from './calls/client';

/** The firewall of Windows. It admits peers to the program that this process is, and to no other. */
export const windowsFirewall = (client: Client): HostFirewall => ({
  async open(HostId: HostId, Port: number): Promise<Outcome<void>> {
    const made = await client.call('open-firewall', { HostId, Port, Program: process.execPath });
    if (!made.ok) return made;
    if (made.value.rules === 1) return succeeded(undefined);
    const message = `Windows did not keep the firewall rule for port ${Port}.`;
    return failed(failureOf('HyperVRefused', { message, effect: 'unknown' }));
  },
  async close(HostId: HostId): Promise<Outcome<void>> {
    const removed = await client.call('close-firewall', { HostId });
    return removed.ok ? succeeded(undefined) : removed;
  },
});
