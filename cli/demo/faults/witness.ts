import { readFileSync } from 'node:fs';
import { layoutOf as hostLayoutOf } from '../../../agent/hyperv/simulated/layout';
import { vmRecord, type VmRecord } from '../../../agent/hyperv/simulated/records';
import type { HostId, VmId } from '../../../contracts/ids';
import type { Clock } from '../../../agent/clock';

/** What a host says about the VM in its own state file, whether its agent lives or not. */
export type Registration = 'none' | 'held' | 'can-start' | 'runs';

/** The registration in the host's folder; undefined when it is not there. */
export function readRegistration(hostFolder: string, vmId: VmId): VmRecord | undefined {
  let text: string;
  try {
    text = readFileSync(hostLayoutOf(hostFolder).vmFile(vmId), 'utf8');
  } catch {
    return undefined;
  }
  return vmRecord.parse(JSON.parse(text));
}

export function registrationOf(record: VmRecord | undefined): Registration {
  if (record === undefined) return 'none';
  if (record.state === 'running') return 'runs';
  return record.fencedBy === null && record.retiredBy === null ? 'can-start' : 'held';
}

const startable = (registration: Registration): boolean => registration === 'runs' || registration === 'can-start';

export type Violation = { readonly atMs: number; readonly what: string };

const lookMs = 10;

/**
 * Looks at both hosts all the time, past agents and app: at their state files, which are replaced as a whole. The VM must be able to
 * start on one host at most, and be registered on one at least.
 */
export class Witness {
  readonly violations: Violation[] = [];
  looks = 0;
  private readonly stopping = new AbortController();
  private done: Promise<void> = Promise.resolve();

  constructor(
    private readonly hosts: readonly { readonly hostId: HostId; readonly folder: string }[],
    private readonly vmId: VmId,
    private readonly clock: Clock,
  ) {}

  start(): void {
    this.done = this.watch();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.done;
  }

  /** One look. The first host is read again after the others: what it was both times, it was while they were read. */
  look(): void {
    this.looks += 1;
    const before = this.hosts.map(({ folder }) => registrationOf(readRegistration(folder, this.vmId)));
    const after = [...this.hosts].reverse().map(({ folder }) => registrationOf(readRegistration(folder, this.vmId)));
    after.reverse();
    const steady = before.map((one, index) => (one === after[index] ? one : undefined));
    const canStart = this.hosts.filter((_, index) => {
      const registration = steady[index];
      return registration !== undefined && startable(registration);
    });
    const atMs = this.clock.now();
    if (canStart.length > 1)
      this.violations.push({ atMs, what: `could start on ${canStart.map(({ hostId }) => hostId).join(' and ')}` });
    if (steady.every((registration) => registration === 'none'))
      this.violations.push({ atMs, what: 'was registered nowhere' });
  }

  private async watch(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      this.look();
      await this.clock.sleep(lookMs, this.stopping.signal);
    }
  }
}
