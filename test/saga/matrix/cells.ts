import { kinds, type Kind } from '../../../contracts/migration';
import { itineraries } from '../../../functions/orchestrators/kinds';
import type { Phase } from '../../../functions/saga/itinerary';

/** What is tried at every phase of every kind. */
export const columns = [
  'refused',
  'reply lost',
  'thrown',
  'killed before',
  'killed after',
  'do repeated',
  'undo repeated',
  'undo fails once',
  'undo fails for good',
  'cancel',
  'answered retry',
  'answered skip',
  'answered accept',
] as const;
export type Column = (typeof columns)[number];

/** Where a phase stands to the pivot of its kind. */
export type Place = 'before' | 'pivot' | 'after';

export type Cell = {
  readonly kind: Kind;
  readonly phase: string;
  readonly column: Column;
  readonly place: Place;
  /** The pivot of the kind, whose refusal makes a run unwind from its last phase. */
  readonly pivot: string;
  /** The pivot can be stopped. */
  readonly cancelable: boolean;
  /** Why there is nothing to try, if so: it follows from the itinerary. */
  readonly absent: string | undefined;
};

const undoColumns: readonly Column[] = ['undo repeated', 'undo fails once', 'undo fails for good', 'answered skip'];

/** Phases that ask a person and no host: no agent can fail them. They can be canceled. */
const asksNoHost: readonly string[] = ['warm approve'];

function absenceOf(kind: string, column: Column, phase: Phase<never>, place: Place): string | undefined {
  if (asksNoHost.includes(`${kind} ${phase.name}`) && column !== 'cancel') return 'it asks a person and no host';
  const hasUndo = phase.undo.kind === 'undo';
  if (undoColumns.includes(column) && !hasUndo) return 'it has no undo';
  if (column === 'answered retry' && place === 'before' && !hasUndo) return 'nothing of it parks';
  if (column === 'answered accept' && place === 'before') return 'only the pivot and what follows can be accepted';
  return undefined;
}

/** Kinds that move a running VM. `export` and `import` end otherwise, which the world here does not judge. */
export const movingKinds = kinds.filter((kind) => kind !== 'export' && kind !== 'import');
const moving = itineraries.filter(({ kind }) => movingKinds.some((one) => one === kind));

/** Every cell: each of these kinds, each phase, each column. */
export const cells: readonly Cell[] = moving.flatMap(({ kind, phases, pivotIndex }) => {
  const pivot = phases[pivotIndex];
  if (pivot === undefined) throw new Error(`${kind} has no pivot`);
  return phases.flatMap((phase, index) => {
    const place = index < pivotIndex ? 'before' : index === pivotIndex ? 'pivot' : 'after';
    return columns.map((column): Cell => ({
      kind: kind as Kind,
      phase: phase.name,
      column,
      place,
      pivot: pivot.name,
      cancelable: pivot.cancelable,
      absent: absenceOf(kind, column, phase, place),
    }));
  });
});
