import type { VmRecord } from '../../../agent/hyperv/simulated/records';
import type { HostId, VmId } from '../../../contracts/ids';
import type { Clock } from '../../../agent/clock';
import { isHandedOver, isInTransit, readRegistration } from '../registration';

/** What a host says about the VM in its own state file, whether its agent lives or not. */
export type Registration = 'none' | 'held' | 'can-start' | 'runs';

export function registrationOf(record: VmRecord | undefined): Registration {
  if (record === undefined) return 'none';
  if (record.state === 'running') return 'runs';
  return record.fencedBy === null && record.retiredBy === null ? 'can-start' : 'held';
}

const startable = (registration: Registration): boolean => registration === 'runs' || registration === 'can-start';

export type Violation = { readonly atMs: number; readonly what: string };

const lookMs = 10;

type WatchedSite = {
  readonly hosts: readonly { readonly hostId: HostId; readonly folder: string }[];
  /** What the hosts share, by which their hypervisors hand VMs over. */
  readonly fabricFolder: string;
};

/**
 * Looks at both hosts all the time, past agents and app: at their state files, which are replaced as a whole. The VM must be able to
 * start on one host at most, and be registered on one at least or be handed over right now.
 */
export class Witness {
  readonly violations: Violation[] = [];
  looks = 0;
  private readonly stopping = new AbortController();
  private done: Promise<void> = Promise.resolve();

  constructor(
    private readonly site: WatchedSite,
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
    const { hosts, fabricFolder } = this.site;
    this.looks += 1;
    const before = hosts.map(({ folder }) => this.registration(folder));
    const inTransit = isInTransit(fabricFolder, this.vmId);
    const after = [...hosts].reverse().map(({ folder }) => this.registration(folder));
    after.reverse();
    const steady = before.map((one, index) => (one === after[index] ? one : undefined));
    const canStart = hosts.filter((_, index) => {
      const registration = steady[index];
      return registration !== undefined && startable(registration);
    });
    const atMs = this.clock.now();
    if (canStart.length > 1)
      this.violations.push({ atMs, what: `could start on ${canStart.map(({ hostId }) => hostId).join(' and ')}` });
    if (!inTransit && steady.every((registration) => registration === 'none'))
      this.violations.push({ atMs, what: 'was registered nowhere' });
  }

  /** A VM that was handed over is not the first host's any more, though its file may stand there for another moment. */
  private registration(folder: string): Registration {
    const record = readRegistration(folder, this.vmId);
    const leaving = record?.leaving ?? null;
    const isGone = leaving !== null && isHandedOver(this.site.fabricFolder, this.vmId, leaving);
    return isGone ? 'none' : registrationOf(record);
  }

  private async watch(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      this.look();
      await this.clock.sleep(lookMs, this.stopping.signal);
    }
  }
}
