import { makeBases } from './bases';
import { diskTargets } from './disk-targets';
import type { Target } from './input';
import { textTargets } from './text-targets';

/** Everything that is fuzzed. */
export async function allTargets(): Promise<Target[]> {
  return [...diskTargets(await makeBases()), ...textTargets()];
}

export const targetNames = [
  'vhdx',
  'vhd',
  'log',
  'locator',
  'relay',
  'wire',
  'records',
  'journal',
  'operations',
  'ledger',
  'ticket',
] as const;
