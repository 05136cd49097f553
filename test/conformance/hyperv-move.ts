import { copyFile } from 'node:fs/promises';
import type { DriverOperationKind, HyperVDriver } from '../../agent/hyperv/driver';
import type { DiskFacts } from '../../contracts/facts';
import type { FailureCode } from '../../contracts/failure-codes';
import type { Outcome } from '../../contracts/failure';
import type { RunId, VmId } from '../../contracts/ids';
import type { OperationInput, OperationOutput, PullSubject } from '../../contracts/operations';
import { sumOf } from '../../contracts/operations/shapes';

/** Two hosts, or the same one twice for a move inside of it, with a VM that runs on the source. */
export type ConformanceHosts = {
  readonly source: HyperVDriver;
  readonly destination: HyperVDriver;
  readonly vmId: VmId;
  /** A folder on the destination host that does not exist yet, below an allowed root. */
  readonly folder: string;
};

export type Tracking = 'change-tracking' | 'differencing';

/**
 * Gives a test hosts of its own. `same-host` gives one host as both, with a folder that is not the VM's; `differencing` hosts that track no
 * changes.
 */
export type HostsFor = (where: 'another-host' | 'same-host', tracking?: Tracking) => Promise<ConformanceHosts>;

/** The value of an outcome that a test counts on. */
export const valueOf = <T>(outcome: Outcome<T>): T => {
  if (outcome.ok) return outcome.value;
  throw new Error(`${outcome.failure.code}: ${outcome.failure.message}`);
};

export const codeOf = (outcome: Outcome<unknown>): FailureCode | 'succeeded' =>
  outcome.ok ? 'succeeded' : outcome.failure.code;

/** One operation of one run on one host. */
export const perform = <K extends DriverOperationKind>(
  driver: HyperVDriver,
  run: RunId,
  kind: K,
  input: OperationInput<K>,
): Promise<Outcome<OperationOutput<K>>> =>
  driver.perform(kind, { runId: run, signal: new AbortController().signal, report: () => undefined }, input);

const mib = 1024 ** 2;
export const roomBytes = 64 * mib;

/** The steps of a quick storage migration, in order, as the itinerary takes them. */
export const moveSteps = [
  'reserve-vm',
  'check-disks',
  'reserve-room',
  'place-vm',
  'take-vm-checkpoint',
  'copy-base',
  'save-vm',
  'fence-vm',
  'export-configuration',
  'copy-rest',
  'import-configuration',
  'merge-disks',
  'digest-disks',
  'start-vm',
  'await-heartbeat',
  'retire-vm',
  'release',
] as const;
export type MoveStep = (typeof moveSteps)[number];

/** Steps after which a run may still be undone. */
export const stepsBeforePivot = moveSteps.slice(0, moveSteps.indexOf('start-vm'));

/** A run that is walked through step by step. Bytes are copied by plain file copies in place of the byte route. */
export class Move {
  readonly ofVm: { readonly vmId: VmId };
  readonly inPlace: { readonly vmId: VmId; readonly folder: string };

  constructor(
    readonly hosts: ConformanceHosts,
    readonly run: RunId,
    readonly retire: 'keep' | 'unregister' | 'delete' = 'keep',
  ) {
    this.ofVm = { vmId: hosts.vmId };
    this.inPlace = { ...this.ofVm, folder: hosts.folder };
  }

  onSource<K extends DriverOperationKind>(kind: K, input: OperationInput<K>): Promise<Outcome<OperationOutput<K>>> {
    return perform(this.hosts.source, this.run, kind, input);
  }

  onDestination<K extends DriverOperationKind>(
    kind: K,
    input: OperationInput<K>,
  ): Promise<Outcome<OperationOutput<K>>> {
    return perform(this.hosts.destination, this.run, kind, input);
  }

  /** Takes every step from `from` up to and including `last`; throws at the first that fails. */
  async walk(last: MoveStep, from: MoveStep = 'reserve-vm'): Promise<void> {
    for (const step of moveSteps.slice(moveSteps.indexOf(from), moveSteps.indexOf(last) + 1)) await this.take(step);
  }

  /** Takes one step; answers what it gave. */
  async take(step: MoveStep): Promise<unknown> {
    const { ofVm, inPlace } = this;
    switch (step) {
      case 'reserve-vm':
      case 'check-disks':
      case 'take-vm-checkpoint':
      case 'save-vm':
      case 'fence-vm':
      case 'export-configuration':
        return valueOf(await this.onSource(step, ofVm));
      case 'reserve-room':
        return valueOf(await this.onDestination(step, { ...inPlace, roomBytes, memoryBytes: mib }));
      case 'place-vm':
        return valueOf(await this.onDestination(step, { ...inPlace, vmName: 'placeholder' }));
      case 'copy-base':
        return this.copyImages((index, lastIndex) => index < lastIndex);
      case 'copy-rest':
        await this.copyImages((index, lastIndex) => index === lastIndex);
        await this.copy({ type: 'file', file: 'memory' });
        return this.copy({ type: 'file', file: 'configuration' });
      case 'import-configuration':
        return valueOf(await this.onDestination(step, { ...inPlace, switchName: null }));
      case 'merge-disks':
      case 'start-vm':
        return valueOf(await this.onDestination(step, inPlace));
      case 'digest-disks':
        return this.compareDigests();
      case 'await-heartbeat':
        return valueOf(await this.onDestination(step, { ...ofVm, waitMsMax: 10_000 }));
      case 'retire-vm':
        return valueOf(await this.onSource(step, { ...ofVm, retire: this.retire }));
      case 'release':
        valueOf(await this.onSource(step, ofVm));
        return valueOf(await this.onDestination(step, ofVm));
    }
  }

  async sourceDisks(): Promise<readonly DiskFacts[]> {
    return (await this.hosts.source.vm(this.hosts.vmId))?.disks ?? [];
  }

  private async copyImages(wanted: (index: number, lastIndex: number) => boolean): Promise<void> {
    for (const { diskId, images } of await this.sourceDisks())
      for (const { index } of images)
        if (wanted(index, images.length - 1)) await this.copy({ type: 'image', diskId, index });
  }

  async copy(subject: PullSubject): Promise<void> {
    const { source, destination, vmId, folder } = this.hosts;
    const from = valueOf(await source.locateForReading(this.run, vmId, subject));
    const to = valueOf(await destination.locateForWriting(this.run, vmId, folder, subject));
    await copyFile(from.path, to.path);
  }

  /** Both ends read the same, in both scopes; answers the digests. */
  private async compareDigests(): Promise<unknown> {
    const answers: unknown[] = [];
    for (const scope of ['changed', 'all'] as const) {
      const ofSource = valueOf(await this.onSource('digest-disks', { ...this.ofVm, scope, side: 'source' }));
      const side = 'destination';
      const ofDestination = valueOf(await this.onDestination('digest-disks', { ...this.ofVm, scope, side }));
      const plain = (digests: typeof ofSource) => digests.disks.map((disk) => `${disk.diskId} ${sumOf(disk)}`);
      expect(plain(ofDestination)).toEqual(plain(ofSource));
      answers.push(plain(ofSource));
    }
    return answers;
  }

  /**
   * Undoes everything that may have been done before the pivot, in reverse, whether it was done or not. Answers the outage that the
   * resume tells.
   */
  async undo(): Promise<number | null> {
    const { ofVm, inPlace } = this;
    valueOf(await this.onSource('remove-export', ofVm));
    valueOf(await this.onSource('unfence-vm', ofVm));
    const { outageMs } = valueOf(await this.onSource('resume-vm', ofVm));
    expect(valueOf(await this.onSource('resume-vm', ofVm))).toEqual({ outageMs });
    valueOf(await this.onSource('remove-vm-checkpoint', ofVm));
    valueOf(await this.onDestination('remove-placeholder', inPlace));
    valueOf(await this.onDestination('release', ofVm));
    valueOf(await this.onSource('release', ofVm));
    return outageMs;
  }
}
