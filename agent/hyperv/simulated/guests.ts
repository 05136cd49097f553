import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describeThrown, failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import type { VmId } from '../../../contracts/ids';
import { ifExists, unfinishedSuffix } from '../../files';
import { exists, makeFolder, removeDurably } from '../files';
import { Guest } from './guest/guest';
import type { GuestMemory } from './guest/memory';
import type { GuestDisks } from './guest/recall';
import { readSavedState, writeSavedState } from './guest/saved-state-file';
import type { SimulatedHost } from './host';
import { openGuestDisks } from './images';
import { homeLayout } from '../home/layout';
import type { VmRecord } from './records';
import { sealDisks, unsealDisks } from './tracking/tracked-disk';

/** Sets a guest to work on disks that are open. */
function runGuest(host: SimulatedHost, vm: VmRecord, disks: GuestDisks, memory: GuestMemory | undefined): Guest {
  const guest: Guest = new Guest({
    settings: vm.guest,
    disks,
    clock: host.clock,
    memory,
    lastWriteAtMs: memory === undefined ? (vm.shutDownBy?.lastWriteAtMs ?? null) : null,
    onOutage: (outageMs) => void noteOutage(host, vm.vmId, outageMs),
    onDiskBroken: () => void reset(host, vm.vmId, guest),
    log: (message) => host.log(`VM ${vm.vmId}: ${message}`),
  });
  host.guests.set(vm.vmId, guest);
  return guest;
}

/** A disk that could not be flushed takes nothing more until it is opened again: as after a power loss, the guest boots from what is there. */
async function reset(host: SimulatedHost, vmId: VmId, guest: Guest): Promise<void> {
  await host.locks.with(vmId, async () => {
    if (host.guests.get(vmId) === guest) await turnOff(host, vmId, guest);
  });
}

/** Ends a guest as a power loss does; the host starts it again when it can. */
async function turnOff(host: SimulatedHost, vmId: VmId, guest: Guest): Promise<void> {
  host.guests.delete(vmId);
  await guest.turnOff();
  host.bringUpLater(vmId);
}

/** Stops a guest and seals its disks. When one of them refuses, the guest boots again later, and what was thrown is thrown on. */
async function stopGuest(host: SimulatedHost, vm: VmRecord, guest: Guest): Promise<GuestMemory | undefined> {
  try {
    const memory = await guest.stop();
    await sealDisks(host, vm.vmId, vm.disks);
    host.guests.delete(vm.vmId);
    return memory;
  } catch (thrown) {
    await turnOff(host, vm.vmId, guest);
    throw thrown;
  }
}

async function noteOutage(host: SimulatedHost, vmId: VmId, outageMs: number): Promise<void> {
  try {
    await host.locks.with(vmId, async () => {
      const vm = host.state.vm(vmId);
      if (vm !== undefined) await host.state.saveVm({ ...vm, guestOutageMs: outageMs });
    });
  } catch (thrown) {
    host.log(`the outage of VM ${vmId} (${outageMs} ms) could not be kept: ${describeThrown(thrown)}`);
  }
}

/**
 * Gives a VM whose state is `running` its guest. It starts from its saved state when it has yet to, from what it remembered when its
 * agent was stopped on purpose, and otherwise cold, as after a power loss. No guest writes before the record says that the saved state
 * is used up: from then on the disks are newer than it. `known` is what the saved state holds, where it was read already.
 *
 * Failures: StartFailed when the saved state or a disk cannot be read; the record stays as it is, so that a later start tries again.
 */
export async function bootGuest(host: SimulatedHost, vm: VmRecord, known?: GuestMemory): Promise<Outcome<void>> {
  const startFailed = (message: string) =>
    failed(failureOf('StartFailed', { message, effect: 'applied', subject: { vmId: vm.vmId } }));
  const memory: Recalled = known === undefined ? await recallMemory(host, vm) : { ok: true, memory: known };
  if (!memory.ok) return startFailed(`VM ${vm.name} cannot start from its saved state: ${memory.reason}.`);
  await unsealDisks(host, vm.vmId, vm.disks);
  const disks = await openGuestDisks(host, vm.vmId, vm.disks);
  if (!disks.ok) return startFailed(`VM ${vm.name} cannot open its disks: ${disks.failure.message}`);
  await removeDurably(host.layout.standbyFile(vm.vmId));
  const isFresh = vm.savedState === null && vm.shutDownBy === null;
  if (!isFresh) await host.state.saveVm({ ...vm, savedState: null, shutDownBy: null });
  await host.reached('start-saved-state-taken');
  runGuest(host, vm, disks.value, memory.memory);
  if (vm.savedState !== null) await removeDurably(vm.savedState.path);
  return succeeded(undefined);
}

type Recalled =
  { readonly ok: true; readonly memory: GuestMemory | undefined } | { readonly ok: false; readonly reason: string };

async function recallMemory(host: SimulatedHost, vm: VmRecord): Promise<Recalled> {
  if (vm.savedState !== null) return readSavedState(vm.savedState.path, vm.vmId);
  const standby = host.layout.standbyFile(vm.vmId);
  if (!(await exists(standby))) return { ok: true, memory: undefined };
  const read = await readSavedState(standby, vm.vmId);
  return read.ok ? { ok: true, memory: { ...read.memory, lastWriteAtMs: null } } : { ok: true, memory: undefined };
}

/** What every running VM remembers is kept when its agent is stopped on purpose: a real VM does not notice either. */
export async function putGuestsOnStandby(host: SimulatedHost): Promise<void> {
  for (const [vmId, guest] of [...host.guests]) {
    host.guests.delete(vmId);
    try {
      const memory = await guest.stop();
      await sealDisks(host, vmId, host.state.vm(vmId)?.disks ?? []);
      if (memory !== undefined) await writeSavedState(host.layout.standbyFile(vmId), vmId, memory, 0);
    } catch (thrown) {
      host.log(`VM ${vmId} boots cold next time: ${describeThrown(thrown)}`);
    }
  }
}

const wakeMsMax = 10_000;
const wakeLookMs = 50;

/** Waits for a guest that boots cold to have a memory; false when it takes too long or the operation is stopped. */
export async function isAwake(host: SimulatedHost, guest: Guest, signal: AbortSignal): Promise<boolean> {
  const beganAtMs = host.clock.now();
  while (!guest.hasMemory) {
    if (signal.aborted || host.clock.now() - beganAtMs >= wakeMsMax) return false;
    await host.clock.sleep(wakeLookMs, signal);
  }
  return true;
}

/**
 * Saves the guest of a running VM: it stands still, its disks are flushed and closed, its memory is a file. When that fails it goes on.
 * Answers the size of the file.
 */
export async function saveGuest(
  host: SimulatedHost,
  vm: VmRecord,
  guest: Guest,
): Promise<Outcome<{ path: string; sizeBytes: number }>> {
  const path = homeLayout(vm.home).savedStateOf(vm.vmId);
  await guest.quiesced(() => Promise.resolve(undefined));
  const memory = await stopGuest(host, vm, guest);
  if (memory === undefined) throw new Error(`the guest of VM ${vm.vmId} has no memory to save`);
  try {
    await makeFolder(dirname(path));
    return succeeded({ path, sizeBytes: await writeSavedState(path, vm.vmId, memory, vm.guest.savedStateBytes) });
  } catch (thrown) {
    const disks = await reopenDisks(host, vm.vmId);
    if (!disks.ok) return losePower(host, vm.vmId, describeThrown(thrown));
    runGuest(host, vm, disks.value, { ...memory, lastWriteAtMs: null });
    throw thrown;
  }
}

/** Shuts the guest of a running VM down: its disks are flushed and closed, its memory is gone. Answers when it wrote last. */
export async function shutDownGuest(host: SimulatedHost, vm: VmRecord, guest: Guest): Promise<number | null> {
  const memory = await stopGuest(host, vm, guest);
  return memory?.lastWriteAtMs ?? null;
}

/** Stops the guest of a VM that is handed over; its disks are flushed and closed. Answers what it knew. */
export async function haltGuest(host: SimulatedHost, vm: VmRecord, guest: Guest): Promise<GuestMemory> {
  const memory = await stopGuest(host, vm, guest);
  if (memory === undefined) throw new Error(`the guest of VM ${vm.vmId} has no memory to hand over`);
  return memory;
}

/** Lets a VM that was halted go on as if nothing had been. */
export async function goOn(host: SimulatedHost, vm: VmRecord, memory: GuestMemory): Promise<Outcome<void>> {
  const disks = await reopenDisks(host, vm.vmId);
  if (!disks.ok) return losePower(host, vm.vmId, disks.failure.message);
  runGuest(host, vm, disks.value, memory);
  return succeeded(undefined);
}

/**
 * Changes the disks of a VM. A guest that runs stands still meanwhile, its disks closed, and then goes on with those that the record
 * names by then, whatever became of the change. What `change` throws or answers is passed on.
 */
export async function changeDisks<T>(
  host: SimulatedHost,
  vmId: VmId,
  change: () => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  const guest = host.guests.get(vmId);
  if (guest === undefined) return change();
  let changed: Promise<Outcome<T>> | undefined;
  let lost: string | undefined;
  await guest.quiesced(async (disks) => {
    changed = closedFor(disks, change);
    await Promise.allSettled([changed]);
    const reopened = await reopenDisks(host, vmId);
    if (reopened.ok) return reopened.value;
    lost = reopened.failure.message;
    return undefined;
  });
  if (lost !== undefined) return losePower(host, vmId, lost);
  if (changed === undefined) throw new Error('a change of disks has a result');
  return changed;
}

async function closedFor<T>(disks: GuestDisks, change: () => Promise<T>): Promise<T> {
  for (const { disk } of disks) await disk.close();
  return change();
}

/** Opens the disks that the record of a VM names; whatever stands in the way is a failure. */
async function reopenDisks(host: SimulatedHost, vmId: VmId): Promise<Outcome<GuestDisks>> {
  try {
    return await openGuestDisks(host, vmId, host.state.vm(vmId)?.disks ?? []);
  } catch (thrown) {
    return failed(failureOf('IoFailed', { message: describeThrown(thrown), effect: 'none', subject: { vmId } }));
  }
}

/** A VM whose disks cannot be opened any more does not run until they can be. */
function losePower(host: SimulatedHost, vmId: VmId, reason: string): Outcome<never> {
  host.guests.get(vmId)?.abandon();
  host.guests.delete(vmId);
  host.bringUpLater(vmId);
  const message = `VM ${vmId} lost its disks and boots again when they can be opened: ${reason}`;
  return failed(failureOf('IoFailed', { message, effect: 'applied', subject: { vmId } }));
}

/** Removes saved states that no record names: of a save that was cut short, or of a start that was. */
export async function removeStraySavedStates(vm: VmRecord): Promise<void> {
  const path = homeLayout(vm.home).savedStateOf(vm.vmId);
  for (const name of (await ifExists(readdir(dirname(path)))) ?? []) {
    const found = join(dirname(path), name);
    const ours = found === path || found === path + unfinishedSuffix;
    if (ours && found !== vm.savedState?.path) await removeDurably(found);
  }
}
