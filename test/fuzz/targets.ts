import { makeBases } from './bases';
import { compactTarget } from './compact-target';
import { diskTargets } from './disk-targets';
import type { Target } from './input';
import { textTargets } from './text-targets';

/** Everything that is fuzzed. */
export async function allTargets(): Promise<Target[]> {
  return [...diskTargets(await makeBases()), ...textTargets(), compactTarget];
}

export const targetNames = [
  'vhdx',
  'vhd',
  'log',
  'locator',
  'relay',
  'wire',
  'records',
  'compact',
  'journal',
  'operations',
  'ledger',
  'ticket',
] as const;
