import { failed, failureOf, succeeded, type Outcome } from '../../../../contracts/failure';
import type { RunId, VmId } from '../../../../contracts/ids';
import { whySwitchIsUnfit } from '../../../../contracts/switches';
import { refuse } from '../../refuse';
import type { Handler, RealHost } from '../host';
import { madeByIn, notesOfMadeSwitch, withoutMarks } from '../marks';
import { readSwitches, notedUserOf, switchFactsOf } from '../switches';

/** What looks at the switches of the host and then changes them goes one after the other. */
const oneByOne = <T>(host: RealHost, work: () => Promise<T>): Promise<T> => host.locks.with('switches', work);

const hyperVTypes = { private: 'Private', internal: 'Internal' } as const;

/** That the run uses the switch is noted first, so that no other run removes it. */
export const makeSwitch: Handler<'make-switch'> = (host, { runId }, { vmId, name, type }) =>
  oneByOne(host, async () => {
    const noted = await host.runs.read(runId, vmId);
    if (!noted.ok) return noted;
    const switches = await readSwitches(host, vmId);
    if (!switches.ok) return switches;
    const unfit = whySwitchIsUnfit(switches.value.map(switchFactsOf), name, type);
    if (unfit !== undefined) return refuse('SwitchUnfit', vmId, unfit);
    await host.runs.write({ ...noted.value, switchName: name });
    const there = switches.value.filter((one) => one.name === name);
    if (there.length > 0) return succeeded({ made: there.some(({ notes }) => madeByIn(notes) === runId) });
    const asked = { Name: name, Type: hyperVTypes[type], Notes: notesOfMadeSwitch(runId) };
    const made = await host.client.call('make-switch', asked, { vmId });
    if (!made.ok) return made;
    if (madeByIn(made.value.notes) === runId) return succeeded({ made: true });
    const message = `Hyper-V did not keep the mark in the notes of the virtual switch ${name}.`;
    return failed(failureOf('HyperVRefused', { message, subject: { vmId }, effect: 'applied' }));
  });

export const removeSwitch: Handler<'remove-switch'> = (host, { runId }, { vmId }) =>
  oneByOne(host, async () => {
    const noted = await host.runs.read(runId, vmId);
    if (!noted.ok) return noted;
    const switches = await readSwitches(host, vmId);
    if (!switches.ok) return switches;
    let usedBy: string | null = null;
    for (const { id, name, notes } of switches.value) {
      if (madeByIn(notes) !== runId) continue;
      const other = await notedUserOf(host, name, runId);
      if (!other.ok) return other;
      if (other.value !== undefined) {
        usedBy = other.value;
        continue;
      }
      const removed = await host.client.call('remove-switch', { SwitchId: id, Expected: notes }, { vmId });
      if (!removed.ok) return removed;
      if (removed.value.usedBy !== null) usedBy = `VM ${removed.value.usedBy}`;
    }
    if (noted.value.switchName !== null) await host.runs.write({ ...noted.value, switchName: null });
    return succeeded({ usedBy });
  });

/** Once its VM is here, what the run made for it is the administrator's. */
export const keepSwitches = (host: RealHost, runId: RunId, vmId: VmId): Promise<Outcome<void>> =>
  oneByOne(host, async () => {
    const switches = await readSwitches(host, vmId);
    if (!switches.ok) return switches;
    for (const { id, notes } of switches.value) {
      if (madeByIn(notes) !== runId) continue;
      const asked = { SwitchId: id, Expected: notes, Notes: withoutMarks(notes) };
      const set = await host.client.call('set-switch-notes', asked, { vmId });
      if (!set.ok) return set;
    }
    return succeeded(undefined);
  });
