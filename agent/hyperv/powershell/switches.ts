import { succeeded, type Outcome } from '../../../contracts/failure';
import type { RunId, VmId } from '../../../contracts/ids';
import { isSameSwitchName, type SwitchFacts } from '../../../contracts/switches';
import type { SwitchValue } from './calls/switches';
import type { RealHost } from './host';
import { isPlaceholder } from './placing';

/** Hyper-V's word for the type of a switch, as the contract has it. */
export const switchTypeOf = ({ type }: Pick<SwitchValue, 'type'>): string => type.toLowerCase();

export const switchFactsOf = (one: SwitchValue): SwitchFacts => ({ name: one.name, type: switchTypeOf(one) });

export async function readSwitches({ client }: RealHost, vmId?: VmId): Promise<Outcome<SwitchValue[]>> {
  const read = await client.call('read-switches', {}, vmId === undefined ? {} : { vmId });
  return read.ok ? succeeded(read.value.switches) : read;
}

/** A placeholder that will be connected to a switch, or another run that uses it, in words; undefined where there is none. */
export async function notedUserOf({ runs }: RealHost, name: string, by: RunId): Promise<Outcome<string | undefined>> {
  const noted = await runs.all();
  if (!noted.ok) return noted;
  const uses = (used: string | null | undefined): boolean => typeof used === 'string' && isSameSwitchName(used, name);
  const planned = noted.value.find((file) => isPlaceholder(file) && uses(file.placed?.imported?.switchName));
  if (planned !== undefined)
    return succeeded(`the placeholder of VM ${planned.placed?.vmName ?? ''} (${planned.vmId})`);
  const other = noted.value.find(({ runId, switchName }) => runId !== by && uses(switchName));
  return succeeded(other && `run ${other.runId}`);
}
