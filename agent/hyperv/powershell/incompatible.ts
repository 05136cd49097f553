import { failureOf } from '../../../contracts/failure';
import type { Incompatibility } from './calls/import';

/** Messages of a comparison. Only these two are confirmed; any other stands in the way, in Hyper-V's own words. */
export const switchMissing = 33012;
export const savedStateUnusable = 40004;

/** By the number of the message, which no language changes. */
export function incompatible(vmId: string, all: readonly Incompatibility[], { id }: Incompatibility) {
  const code =
    id === switchMissing ? 'SwitchMissing' : id === savedStateUnusable ? 'ProcessorIncompatible' : 'HyperVRefused';
  const told = all.map((one) => `${one.message} (message ${one.id})`).join('; ');
  const message = `Hyper-V cannot take VM ${vmId} as it is: ${told}`.slice(0, 1000);
  return failureOf(code, { message, subject: { vmId }, effect: 'none', native: `message ${id}` });
}
