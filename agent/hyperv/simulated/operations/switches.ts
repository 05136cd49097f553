import { succeeded } from '../../../../contracts/failure';
import type { RunId } from '../../../../contracts/ids';
import { isSameSwitchName, whySwitchIsUnfit } from '../../../../contracts/switches';
import { refuse } from '../../refuse';
import type { Handler, SimulatedHost } from '../host';
import { switchesOf, userOfSwitch } from '../switches';

/** What looks at the switches of the host and then changes them goes one after the other. */
const oneByOne = <T>(host: SimulatedHost, work: () => Promise<T>): Promise<T> => host.locks.with('switches', work);

/** That the run uses the switch is noted first, so that no other run removes it. */
export const makeSwitch: Handler<'make-switch'> = (host, { runId }, { vmId, name, type }) =>
  oneByOne(host, async () => {
    const unfit = whySwitchIsUnfit(switchesOf(host), name, type);
    if (unfit !== undefined) return refuse('SwitchUnfit', vmId, unfit);
    await host.state.saveRun({ ...host.state.run(runId, vmId), switchName: name });
    await host.reached('switch-noted');
    const own = host.state.switches.some((one) => one.madeBy === runId && one.name === name);
    if (switchesOf(host).some((one) => one.name === name)) return succeeded({ made: own });
    await host.state.saveSwitch({ schema: 1, id: host.newGuid(), name, type, madeBy: runId });
    await host.reached('switch-made');
    return succeeded({ made: true });
  });

export const removeSwitch: Handler<'remove-switch'> = (host, { runId }, { vmId }) =>
  oneByOne(host, async () => {
    let usedBy: string | null = null;
    for (const { id, name, madeBy } of host.state.switches) {
      if (madeBy !== runId) continue;
      const other = host.state.runs.find(
        (run) => run.runId !== runId && run.switchName !== null && isSameSwitchName(run.switchName, name),
      );
      const user = userOfSwitch(host, name) ?? (other && `run ${other.runId}`);
      usedBy = user ?? usedBy;
      if (user === undefined) await host.state.dropSwitch(id);
    }
    await host.reached('switch-removed');
    const run = host.state.run(runId, vmId);
    if (run.switchName !== null) await host.state.saveRun({ ...run, switchName: null });
    return succeeded({ usedBy });
  });

/** Once its VM is here, what the run made for it is the administrator's. */
export const keepSwitches = (host: SimulatedHost, runId: RunId): Promise<void> =>
  oneByOne(host, async () => {
    for (const made of host.state.switches) {
      if (made.madeBy !== runId) continue;
      await host.state.saveSwitch({ ...made, madeBy: null });
      await host.reached('switch-kept');
    }
  });
