import { succeeded, type Outcome } from '../../../../contracts/failure';
import type { OperationInput } from '../../../../contracts/operations';
import type { FixUp } from '../../../../contracts/operations/exports';
import { switchToBeMade } from '../../home/changes';
import { refuse } from '../../refuse';
import type { PlannedVm } from '../calls/import';
import type { RealHost } from '../host';
import { savedStateUnusable, switchMissing } from '../incompatible';

type Input = OperationInput<'compare-import'>;

/** A saved memory is of one VM and of processors like those that it was saved on: else the VM starts cold, which somebody must know before. */
export function memoryToKeep(
  planned: PlannedVm,
  { vmId, exportedVmId }: Input,
  path: string | undefined,
  fixUps: FixUp[],
): string | null {
  if (planned.state !== 'Saved') return null;
  const isRefused = planned.incompatibilities.some(({ id }) => id === savedStateUnusable);
  if (path !== undefined && vmId === exportedVmId && !isRefused) return path;
  fixUps.push({ what: 'saved-state', from: path ?? 'not in the folder', to: 'none: the VM starts cold' });
  return null;
}

/** The switch that the VM will have, and the one that Hyper-V can connect it to now: not yet one that is to be made. */
type ChosenSwitch = { readonly switchName: string | null; readonly connectTo: string | null };

/** Where the switch that is asked for, or was there, is missing. The name of one that is missing may stand in the message of Hyper-V alone. */
export async function chooseSwitch(
  host: RealHost,
  planned: PlannedVm,
  { vmId, switchName: asked, makesSwitch }: Input,
  fixUps: FixUp[],
): Promise<Outcome<ChosenSwitch>> {
  const facts = await host.client.call('read-host', { Roots: [...host.roots] }, { vmId });
  if (!facts.ok) return facts;
  const { switches } = facts.value;
  const isMissing = asked !== null && !switches.includes(asked);
  if (isMissing && makesSwitch === undefined)
    return refuse('SwitchMissing', vmId, `This host has no virtual switch "${asked}".`);
  const named = [...new Set(planned.switches)];
  const lost = planned.incompatibilities.filter(({ id }) => id === switchMissing).map(({ message }) => message);
  const was = named.length > 0 ? named : lost;
  const changed = was.filter((name) => (asked === null ? !switches.includes(name) : name !== asked));
  const to = asked === null ? 'not connected' : isMissing ? switchToBeMade(asked, makesSwitch) : asked;
  for (const from of changed) fixUps.push({ what: 'switch', from, to });
  const connectTo = isMissing ? null : asked;
  if (was.length === 0) return succeeded({ switchName: null, connectTo });
  return succeeded({ switchName: asked ?? named.find((name) => switches.includes(name)) ?? null, connectTo });
}
