import { makeBases } from './bases';
import { chunkTargets } from './chunk-targets';
import { compactTarget } from './compact-target';
import { diskTargets } from './disk-targets';
import type { Target } from './input';
import { textTargets } from './text-targets';

/** Everything that is fuzzed. */
export async function allTargets(): Promise<Target[]> {
  return [...diskTargets(await makeBases()), ...textTargets(), compactTarget, ...chunkTargets];
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
  'chunk-list',
  'chunk-proof',
] as const;
