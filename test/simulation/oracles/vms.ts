import type { VmId } from '../../../contracts/ids';
import { importedVmId, type AcceptedRequest } from '../../../contracts/migration';
import { runIdOf } from '../../../contracts/ids';
import { simulatedKinds, type Route } from '../kinds';
import { sharedStorage } from '../world/make-vms';
import type { Site } from '../world/site';
import { exportFolderOf } from '../world/templates';
import { differenceBetween, kept, type Snapshot } from './contents';
import {
  isHandedOver,
  isRunnable,
  isThere,
  placeOf,
  registrationOf,
  textOf,
  type FilePlace,
  type Registration,
} from './registrations';
import type { Complain } from './violation';

type Place = { readonly machine: string; readonly found: Registration };

const exportedDisks = (text: string, folder: string) =>
  (JSON.parse(text) as { disks: { diskId: string; imageNames: string[] }[] }).disks.map(({ diskId, imageNames }) => ({
    diskId,
    path: `${folder}/Virtual Hard Disks/${imageNames.at(-1) ?? ''}`,
  }));

const guestSeedIn = (text: string): number => (JSON.parse(text) as { guest: { seed: number } }).guest.seed;

/** An export as a snapshot of what is in it; undefined where there is none. */
export function exportIn(site: Site, machine: string, folder: string, vmId: VmId): Snapshot | undefined {
  const { path } = placeOf(machine, folder);
  const text = textOf(site.tree(machine), `${path}/Virtual Machines/${vmId}.vmcx`);
  return text === undefined
    ? undefined
    : { machine, disks: exportedDisks(text, folder), treeOf: (name) => site.tree(name) };
}

/** A VM of the batch: where it began, and what is known of where it is whole. What is on the machines counts, not what programs say. */
export class WatchedVm {
  readonly vmId: VmId;
  readonly runId: string;
  readonly route: Route;
  readonly guestSeed: number;
  readonly beginning: Snapshot;
  /** What was committed of it to another place by this run, as the machines show it. */
  moved = false;
  /** As it was when nobody could write to it any more. */
  #still: Snapshot | undefined;
  /** The machine where it may run. */
  #owner: string;
  /** The files of a copy that surely is whole. */
  #whole: readonly FilePlace[];
  #last: Registration | undefined;
  /** As it was registered at the last look where its host was about to give it away. */
  #leaving: Place | undefined;

  constructor(
    private readonly site: Site,
    readonly request: AcceptedRequest,
    private readonly complain: Complain,
  ) {
    const { vmId, sourceHost, id, kind } = request;
    this.vmId = kind === 'import' ? importedVmId(request) : vmId;
    this.runId = runIdOf(id);
    this.route = simulatedKinds[kind].route;
    this.#owner = sourceHost;
    this.#last = registrationOf(site.tree(sourceHost), this.vmId);
    const folder = exportFolderOf(sourceHost);
    const now =
      this.#last === undefined ? exportIn(site, sourceHost, folder, vmId) : this.#snapshot(sourceHost, this.#last);
    if (now === undefined) throw new Error(`${vmId} is not on ${sourceHost}`);
    this.beginning = kept(now);
    this.#whole = now.disks.map(({ path }) => placeOf(sourceHost, path));
    const file =
      this.#last === undefined ? `${placeOf(sourceHost, folder).path}/Virtual Machines/${vmId}.vmcx` : fileOf(vmId);
    this.guestSeed = guestSeedIn(textOf(site.tree(sourceHost), file) ?? '{}');
  }

  /** Where it is registered. */
  places(): Place[] {
    return [...this.site.machines.keys()].flatMap((machine) => {
      const found = registrationOf(this.site.tree(machine), this.vmId);
      return found === undefined ? [] : [{ machine, found }];
    });
  }

  /** Registrations of it, or what hypervisors hand over of it, have changed. */
  async check(): Promise<void> {
    const places = this.places();
    const runnable = places.filter(({ found }) => isRunnable(found) && !this.#isGiven(found));
    if (runnable.length > 1)
      this.complain(
        'never are two able to run',
        `${this.vmId} on ${runnable.map(({ machine }) => machine).join(' and ')}`,
      );
    if (places.length === 0 && this.#isVm && !this.#isUnderWay)
      this.complain('a VM is never lost', `${this.vmId} is registered nowhere`);
    switch (this.route) {
      case 'fenced':
        return this.#checkFenced(places);
      case 'handed-over':
        return this.#checkHandedOver(places);
      case 'stays':
        return this.#checkStaying(places);
      case 'arrives':
        return this.#checkArriving(places);
    }
  }

  /** Files have come or gone. */
  checkWhole(): void {
    const missing = this.#whole.find(({ on, path }) => !isThere(this.site.tree(on), path));
    if (missing !== undefined)
      this.complain('one whole copy is there always', `${this.vmId}: ${missing.path} is gone from ${missing.on}`);
  }

  /** The registration at a machine with its disks as they are now. */
  at(machine: string): (Place & { readonly now: Snapshot }) | undefined {
    const found = registrationOf(this.site.tree(machine), this.vmId);
    return found && { machine, found, now: this.#snapshot(machine, found) };
  }

  get #isVm(): boolean {
    return this.route !== 'arrives' || this.moved;
  }

  get #isUnderWay(): boolean {
    return this.site.shared !== undefined && isHandedOver(this.site.tree(sharedStorage), this.vmId);
  }

  #isGiven({ leaving }: Registration): boolean {
    return leaving !== null && isHandedOver(this.site.tree(sharedStorage), this.vmId, leaving);
  }

  #snapshot(machine: string, { disks }: Registration): Snapshot {
    return { machine, disks, treeOf: (name) => this.site.tree(name) };
  }

  async #checkFenced(places: readonly Place[]): Promise<void> {
    const { runId } = this;
    const fenced = places.find(({ found }) => found.fencedBy === runId && found.startedBy?.runId !== runId);
    if (fenced !== undefined) this.#still ??= kept(this.#snapshot(fenced.machine, fenced.found));
    const started = this.#startedAmong(places);
    if (fenced === undefined && started === undefined) this.#still = undefined;
    if (started === undefined || this.moved) return;
    if (this.#still === undefined)
      this.complain('the source is fenced before the destination starts', `${this.vmId} started on ${started.machine}`);
    this.#checkStartMark(started);
    await this.#arrived(started, this.#still);
  }

  async #checkHandedOver(places: readonly Place[]): Promise<void> {
    const given = places.find(({ found }) => this.#isGiven(found)) ?? this.#givenAtOnce(places);
    this.#leaving = places.find(({ found }) => found.leaving !== null);
    if (given !== undefined) this.#still = kept(this.#snapshot(given.machine, given.found));
    const started = this.#startedAmong(places);
    if (started === undefined || this.moved) return;
    if (this.#still === undefined)
      this.complain(
        'the source gives the VM away before the destination starts it',
        `${this.vmId} on ${started.machine}`,
      );
    if (this.request.kind === 'quick') this.#checkStartMark(started);
    await this.#arrived(started, this.#still);
  }

  /** A VM that was given away and left its host without a moment between. */
  #givenAtOnce(places: readonly Place[]): Place | undefined {
    const before = this.#leaving;
    const isGone = before !== undefined && places.every(({ machine }) => machine !== before.machine);
    return isGone && this.#isGiven(before.found) ? before : undefined;
  }

  /** A VM whose files may have gone to another folder: the new ones hold what the old ones held. */
  async #checkStaying(places: readonly Place[]): Promise<void> {
    const here = places.find(({ machine }) => machine === this.#owner);
    const before = this.#last;
    this.#last = here?.found;
    if (here === undefined || before === undefined || before.home === here.found.home) return;
    await this.#arrived(here, this.#snapshot(here.machine, before));
  }

  async #checkArriving(places: readonly Place[]): Promise<void> {
    const [here] = places;
    if (here !== undefined && !this.moved) await this.#arrived(here, this.beginning);
  }

  #startedAmong(places: readonly Place[]): Place | undefined {
    return places.find(({ found }) => found.startedBy?.runId === this.runId);
  }

  #checkStartMark({ machine }: Place): void {
    const mark = `/state/started/${this.runId}.${this.vmId}`.toLowerCase();
    if (!isThere(this.site.tree(machine), mark))
      this.complain('a start is on record before it happens', `${machine} has no ${mark}`);
  }

  /** From this moment on the VM is here, with what it held before. */
  async #arrived({ machine, found }: Place, before: Snapshot | undefined): Promise<void> {
    this.moved = true;
    const now = this.#snapshot(machine, found);
    const different = before === undefined ? undefined : await differenceBetween(before, now);
    if (different !== undefined)
      this.complain('the destination holds what the source held at the fence', `${this.vmId}: ${different}`);
    this.#owner = machine;
    this.#whole = found.disks.map(({ path }) => placeOf(machine, path));
  }
}

const fileOf = (vmId: VmId): string => `host/vms/${vmId}/vm.json`;
