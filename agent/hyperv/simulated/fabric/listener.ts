import { describeThrown, succeeded, type Outcome } from '../../../../contracts/failure';
import { checkNeeds, checkSlots } from '../admission';
import { ifExists, writeFileDurably } from '../../../files';
import { jsonText, readJson, removeDurably, writeJsonAtomic } from '../../files';
import { bootGuest } from '../guests';
import type { SimulatedHost } from '../host';
import { factsOfFiles } from '../images';
import { placeBelow, checkPlace } from '../operations/reserve-room';
import { makeHome, missingFolders } from '../../home/made';
import { isoTime } from '../../../clock';
import type { VmRecord } from '../records';
import { refuse } from '../../refuse';
import { fileOf, has, isOpen, offerIn } from './inbound';
import { arrived, type Offer } from './records';
import { join } from 'node:path';

/** The part of a simulated hypervisor that takes VMs from others of its fabric. Runs until the signal ends it. */
export async function listen(host: SimulatedHost, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await lookAround(host);
    await host.clock.sleep(host.record.fabric?.lookMs ?? 0, signal);
  }
}

/** One look at every handover: offers to this host are answered, and those from it that have arrived are forgotten. */
export async function lookAround(host: SimulatedHost): Promise<void> {
  for (const folder of (await host.fabric?.handovers()) ?? []) {
    try {
      const offer = await offerIn(folder);
      if (offer?.to === host.fabric?.host)
        await host.locks.with(`handover ${folder}`, () => answer(host, folder, offer));
      else if (offer?.from === host.fabric?.host) await forgetArrived(host, folder, offer);
    } catch (thrown) {
      host.log(`the handover in ${folder} could not be looked at: ${describeThrown(thrown)}`);
    }
  }
}

async function forgetArrived(host: SimulatedHost, folder: string, offer: Offer | undefined): Promise<void> {
  if (offer === undefined || !(await has(folder, 'arrived'))) return;
  if (host.state.vm(offer.vmId)?.leaving === offer.jobId) {
    // Its move is about to drop it, or could not.
    host.bringUpLater(offer.vmId);
    return;
  }
  // Under the VM's lock, since the run may be ending; whoever holds it sees the arrival at its next look and lets go.
  await host.locks.with(offer.vmId, async () => {
    await noteArrival(host, offer, folder);
    await removeDurably(folder);
  });
}

/** Whoever waits for the arrival, now or after a crash, finds it in the run when the handover is gone. */
async function noteArrival(host: SimulatedHost, { runId, vmId }: Offer, folder: string): Promise<void> {
  const run = host.state.run(runId, vmId);
  const read = await readJson(fileOf(folder, 'arrived'), arrived);
  if (run.moved !== null && read.state === 'read')
    await host.state.saveRun({ ...run, moved: { ...run.moved, arrivedAt: read.value.at } });
}

async function answer(host: SimulatedHost, folder: string, offer: Offer | undefined): Promise<void> {
  if (offer === undefined || !(await isOpen(folder))) return;
  if (await has(folder, 'committed')) return take(host, folder, offer);
  if (await has(folder, 'ready')) return;
  const isAccepted = await has(folder, 'accepted');
  const checked = isAccepted ? await checkFinal(host, offer) : await acceptAlone(host, folder, offer);
  if (!checked.ok) return say(folder, 'refused', { failure: checked.failure });
  if (checked.value === undefined || !(await has(folder, 'offer'))) return;
  await say(folder, isAccepted ? 'ready' : 'accepted', { home: checked.value });
}

/** Never makes the folder: the other host, which removes it with its offer, would find an answer to nothing there. */
async function say(folder: string, answer: 'accepted' | 'refused' | 'ready', value: unknown): Promise<void> {
  await ifExists(writeFileDurably(fileOf(folder, answer), [jsonText(value)]));
}

/** A withdrawal of the run waits for this, and what comes after one finds no promise. Undefined when the offer is gone. */
function acceptAlone(host: SimulatedHost, folder: string, offer: Offer): Promise<Outcome<string | undefined>> {
  const { runId, vmId, type } = offer;
  return host.locks.with(vmId, () =>
    host.locks.with(`placeholder ${runId} ${vmId}`, async () => {
      if (!(await has(folder, 'offer'))) return succeeded(undefined);
      if (type === 'role' || host.state.run(runId, vmId).room !== null) return accept(host, offer);
      return refuse('MoveFailed', vmId, `This host has promised nothing to run ${runId}.`, '0x80070005');
    }),
  );
}

/** Whether this host takes the VM; answers the folder where its files are to be. */
async function accept(host: SimulatedHost, offer: Offer): Promise<Outcome<string>> {
  const { runId, vmId, needs, type } = offer;
  const checked = await checkNeeds(host, runId, vmId, needs, type === 'whole' ? 'files' : 'memory', offer.switchName);
  if (!checked.ok) return checked;
  const slots = type === 'role' ? checked : await checkSlots(host, vmId, 'live');
  if (!slots.ok) return slots;
  if (type !== 'whole') return succeeded(join(needs.storage?.folder ?? '', vmId));
  const place = await placeBelow(host, offer.folder ?? '', vmId);
  if (!place.ok) return place;
  const free = await checkPlace(host, runId, vmId, place.value);
  if (!free.ok) return free;
  const { home, folder } = place.value;
  if (host.state.vm(vmId) !== undefined)
    return refuse('DestinationOccupied', vmId, `A VM ${vmId} is registered on this host.`);
  // What an earlier attempt of this run left there was not whole.
  await removeDurably(home);
  const before = host.state.plannedVm(runId, vmId);
  await host.state.savePlanned({
    schema: 1,
    runId,
    vmId,
    vmName: needs.vmName,
    home,
    madeFolders: before?.madeFolders ?? (await missingFolders(folder)),
    adopted: false,
    imported: null,
  });
  await makeHome(home, runId, vmId);
  return succeeded(home);
}

/** Whether the VM could start here now. Undefined while its last state has not come. */
async function checkFinal(
  host: SimulatedHost,
  { final, runId, vmId, needs, type, switchName }: Offer,
): Promise<Outcome<string | undefined>> {
  if (final === null) return succeeded(undefined);
  const checked = await checkNeeds(host, runId, vmId, needs, type === 'whole' ? 'files' : 'memory', switchName);
  if (!checked.ok) return checked;
  const disks = await factsOfFiles(host, final.disks);
  return disks.ok ? succeeded(final.home) : disks;
}

/** The VM is this host's from the commit on. What follows is finished by the next look, also after a crash. */
async function take(host: SimulatedHost, folder: string, { final, vmId, runId, type }: Offer): Promise<void> {
  if (final === null) throw new Error('a VM that was handed over has a last state');
  await host.locks.with(vmId, async () => {
    const at = isoTime(host.clock.now());
    const known = host.state.vm(vmId);
    const startedBy = type === 'role' ? null : { runId, startedAt: at };
    const vm: VmRecord = known ?? {
      ...final,
      reservedBy: runId,
      leaving: null,
      guestOutageMs: null,
      referencePoints: [],
      shutDownBy: null,
      startedBy,
      setAside: null,
    };
    if (known === undefined) await host.state.saveVm(vm);
    await host.reached('move-arriving');
    await host.state.dropPlanned(runId, vmId);
    await host.fabric?.ownRole(vmId);
    if (vm.state === 'running' && !host.guests.has(vmId)) {
      const booted = await bootGuest(host, vm);
      if (!booted.ok) {
        host.log(booted.failure.message);
        host.bringUpLater(vmId);
      }
    }
    await writeJsonAtomic(fileOf(folder, 'arrived'), { at });
  });
}
