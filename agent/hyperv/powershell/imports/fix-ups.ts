import { succeeded, type Outcome } from '../../../../contracts/failure';
import type { OperationInput } from '../../../../contracts/operations';
import type { FixUp } from '../../../../contracts/operations/exports';
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

/** Where the switch that is asked for, or was there, is missing. The name of one that is missing may stand in the message of Hyper-V alone. */
export async function chooseSwitch(
  host: RealHost,
  planned: PlannedVm,
  { vmId, switchName: asked }: Input,
  fixUps: FixUp[],
): Promise<Outcome<string | null>> {
  const facts = await host.client.call('read-host', { Roots: [...host.roots] }, { vmId });
  if (!facts.ok) return facts;
  const { switches } = facts.value;
  if (asked !== null && !switches.includes(asked))
    return refuse('SwitchMissing', vmId, `This host has no virtual switch "${asked}".`);
  const named = [...new Set(planned.switches)];
  const lost = planned.incompatibilities.filter(({ id }) => id === switchMissing).map(({ message }) => message);
  const was = named.length > 0 ? named : lost;
  const changed = was.filter((name) => (asked === null ? !switches.includes(name) : name !== asked));
  for (const from of changed) fixUps.push({ what: 'switch', from, to: asked ?? 'not connected' });
  if (was.length === 0) return succeeded(null);
  return succeeded(asked ?? named.find((name) => switches.includes(name)) ?? null);
}
