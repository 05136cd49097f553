import { copyFile } from 'node:fs/promises';
import { changesSource, openChanged } from '../../agent/disks/route/changes';
import { routeImages } from '../../agent/disks/route/route-images';
import type { ServedFile } from '../../agent/hyperv/driver';
import type { RunId, VmId } from '../../contracts/ids';
import type { OperationInput, OperationOutput, PullSubject } from '../../contracts/operations';
import { sumOf } from '../../contracts/operations/shapes';
import type { DriverOperationKind } from '../../agent/hyperv/driver';
import type { Outcome } from '../../contracts/failure';
import { perform, roomBytes, valueOf, type ConformanceHosts } from './hyperv-move';

const mib = 1024 ** 2;

/** A warm migration step by step; bytes are carried in this process, with the byte route's own reader and writer of changes. */
export class WarmMove {
  readonly ofVm: { readonly vmId: VmId };
  readonly inPlace: { readonly vmId: VmId; readonly folder: string };
  round = 0;

  constructor(
    /** Others once they were opened again. */
    public hosts: ConformanceHosts,
    readonly run: RunId,
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

  async prepare(): Promise<void> {
    valueOf(await this.onSource('reserve-vm', this.ofVm));
    valueOf(await this.onDestination('reserve-room', { ...this.inPlace, roomBytes, memoryBytes: mib }));
    valueOf(await this.onDestination('place-vm', { ...this.inPlace, vmName: 'placeholder' }));
  }

  begin(): Promise<Outcome<OperationOutput<'begin-round'>>> {
    return this.onSource('begin-round', { ...this.ofVm, round: this.round });
  }

  /** The first pass: everything below the VM checkpoint. */
  async first(): Promise<void> {
    const begun = valueOf(await this.begin());
    for (const { diskId, images } of begun.disks)
      for (const { index } of images.slice(0, -1)) await this.carry({ type: 'image', diskId, index });
    await this.end();
  }

  /** A round of changes; answers what it began with. */
  async next(): Promise<OperationOutput<'begin-round'>> {
    const begun = valueOf(await this.begin());
    await this.carryRound(begun);
    await this.end();
    return begun;
  }

  async carryRound(begun: OperationOutput<'begin-round'>): Promise<void> {
    for (const { diskId } of begun.changed) {
      await this.carry({ type: 'changes', diskId, index: this.copiedIndex(begun, diskId), round: this.round });
      await this.carry({ type: 'ranges', diskId, round: this.round });
    }
  }

  async end(): Promise<void> {
    valueOf(await this.onSource('end-round', { ...this.ofVm, round: this.round }));
    this.round += 1;
  }

  /** The outage: stopped, fenced, the last round, the configuration. */
  async cutover(stop: 'save-vm' | 'shut-down-vm'): Promise<void> {
    valueOf(await this.onSource(stop, this.ofVm));
    valueOf(await this.onSource('fence-vm', this.ofVm));
    await this.carryRound(valueOf(await this.begin()));
    valueOf(await this.onSource('export-configuration', this.ofVm));
    if (stop === 'save-vm') await this.carry({ type: 'file', file: 'memory' });
    await this.carry({ type: 'file', file: 'configuration' });
    valueOf(await this.onDestination('import-configuration', { ...this.inPlace, switchName: null }));
  }

  /** What a guest would read at either end, of the last round or of all. */
  async digests(side: 'source' | 'destination', scope: 'changed' | 'all'): Promise<string[]> {
    const input = { ...this.ofVm, scope, side, round: this.round };
    const driver = side === 'source' ? this.hosts.source : this.hosts.destination;
    const read = valueOf(await perform(driver, this.run, 'digest-disks', input));
    return read.disks.map((disk) => `${disk.diskId} ${sumOf(disk)}`);
  }

  async start(): Promise<OperationOutput<'await-heartbeat'>> {
    valueOf(await this.onDestination('start-vm', this.inPlace));
    return valueOf(await this.onDestination('await-heartbeat', { ...this.ofVm, waitMsMax: 10_000 }));
  }

  async undo(): Promise<void> {
    valueOf(await this.onSource('remove-export', this.ofVm));
    valueOf(await this.onSource('unfence-vm', this.ofVm));
    valueOf(await this.onSource('resume-vm', this.ofVm));
    valueOf(await this.onSource('remove-vm-checkpoint', this.ofVm));
    valueOf(await this.onDestination('remove-placeholder', this.inPlace));
    valueOf(await this.onDestination('release', this.ofVm));
    valueOf(await this.onSource('release', this.ofVm));
  }

  /** The first pass copied the images up to the one that the rounds change. */
  private copiedIndex(begun: OperationOutput<'begin-round'>, of: string): number {
    return this.copied.get(of) ?? Math.max(0, (begun.disks.find((disk) => disk.diskId === of)?.images.length ?? 1) - 1);
  }
  private readonly copied = new Map<string, number>();

  async carry(subject: PullSubject): Promise<void> {
    const { source, destination, vmId, folder } = this.hosts;
    const from = valueOf(await source.locateForReading(this.run, vmId, subject));
    const to = valueOf(await destination.locateForWriting(this.run, vmId, folder, subject));
    if (subject.type === 'image') this.copied.set(subject.diskId, subject.index);
    await (subject.type === 'changes' ? applyChanges(from, to.path) : copyFile(from.path, to.path));
  }
}

/** As a pull does it, in one go. */
export async function applyChanges({ path, changes }: ServedFile, copyPath: string): Promise<void> {
  if (changes === undefined) throw new Error('nobody says what changed');
  const images = routeImages();
  const content = changesSource(valueOf(await images.openForReading(path)), changes);
  if (content.facts.type !== 'changes') throw new Error('changes have the facts of changes');
  const target = valueOf(await openChanged(images, copyPath, content.facts));
  for (const { offsetBytes, lengthBytes, kind } of content.extents(0)) {
    const bytes = Buffer.alloc(lengthBytes);
    if (kind === 'data') await content.read(bytes, offsetBytes);
    if (kind === 'data') await target.write(bytes, offsetBytes);
    else await target.writeZeros(offsetBytes, lengthBytes);
  }
  await target.flush();
  await target.finish?.();
  await content.close();
}
