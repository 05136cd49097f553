import type { RunId } from '../../../contracts/ids';
import type { VmValue } from './calls/vm';
import type { RoundNotes } from './round-notes';

type Checkpoint = VmValue['checkpoints'][number];

/** How VM checkpoints of a run are called: its only one, and those of rounds of pre-copy. */
export const checkpointNameOf = (run: RunId, round?: number): string =>
  round === undefined ? `hyperferry ${run}` : `hyperferry ${run} ${round}`;

/** The run whose VM checkpoint has this name, if any. */
export const runOfCheckpoint = (name: string): string | undefined => /^hyperferry (\S+)(?: \d+)?$/.exec(name)?.[1];

/** The only VM checkpoint of a run, which is known by its name. */
export const checkpointOf = (vm: Pick<VmValue, 'checkpoints'>, run: RunId): Checkpoint | undefined =>
  vm.checkpoints.find(({ name }) => name === checkpointNameOf(run));

/** All VM checkpoints that a run made. A recovery checkpoint is known by its id too, since Hyper-V may not let it be named. */
export const checkpointsOf = (
  { checkpoints }: Pick<VmValue, 'checkpoints'>,
  run: RunId,
  notes: RoundNotes | null = null,
): Checkpoint[] => checkpoints.filter((one) => runOfCheckpoint(one.name) === run || isRecoveryOf(one, notes));

const isRecoveryOf = ({ id, type }: Checkpoint, notes: RoundNotes | null): boolean => {
  if (notes === null || type !== 'Recovery') return false;
  const { held, taking } = notes;
  return held === null ? taking?.before.includes(id) === false : held.checkpointId === id;
};
