import { kinds, kindTakes, roleOf, type Kind } from '../../../contracts/migration';
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
  /** The kind, and how it is asked for where that changes what its phases do. */
  readonly row: string;
  /** Of the request, beside what every run of the kind has. */
  readonly policy: object;
  readonly more: object;
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

const withSwitch = { sourceFolder: '/exports/vm', destinationSwitch: 'lab', makeSwitch: 'private' };

/** How each kind is asked for: so that every phase has something to do, and twice where a kind has two ways. */
export const rows: readonly {
  readonly row: string;
  readonly kind: Kind;
  readonly policy?: object;
  readonly more?: object;
}[] = [
  ...kinds.filter((kind) => kind !== 'warm' && kind !== 'import').map((kind) => ({ row: kind, kind })),
  { row: 'warm', kind: 'warm', policy: { approve: true } },
  ...kinds
    .filter((kind) => kindTakes(kind, 'role'))
    .map((kind) => ({
      row: `${kind} of a role`,
      kind,
      policy: kind === 'warm' ? { approve: true } : {},
      more: { role: 'make' },
    })),
  { row: 'import', kind: 'import', policy: { start: true }, more: withSwitch },
  {
    row: 'import in place',
    kind: 'import',
    policy: { start: true },
    more: { ...withSwitch, destinationFolder: undefined },
  },
];

/** Phases that ask a person and no host: no agent can fail them. They can be canceled. */
export const askingPhases: readonly string[] = ['approve', 'fix-ups'];

/** Phases whose do is for copies alone. */
const ofCopies: readonly string[] = ['reserve-room', 'copy'];

/** Phases that ask no host where the request says nothing of the role of the VM. */
const ofRoles: readonly string[] = ['remove-role', 'make-role'];

function absenceOf(
  { row, more = {} }: (typeof rows)[number],
  column: Column,
  phase: Phase<never>,
  place: Place,
): string | undefined {
  if (ofRoles.includes(phase.name) && roleOf(more) === undefined) return 'the VM is no role';
  if (askingPhases.includes(phase.name) && column !== 'cancel') return 'it asks a person and no host';
  const hasUndo = phase.undo.kind === 'undo';
  const isOfUndo = undoColumns.includes(column) || column === 'answered retry';
  if (row === 'import in place' && ofCopies.includes(phase.name) && !isOfUndo) return 'in place nothing is copied';
  if (undoColumns.includes(column) && !hasUndo) return 'it has no undo';
  if (column === 'answered retry' && place === 'before' && !hasUndo) return 'nothing of it parks';
  if (column === 'answered accept' && place === 'before') return 'only the pivot and what follows can be accepted';
  return undefined;
}

/** Every cell: each row, each phase of its kind, each column. */
export const cells: readonly Cell[] = rows.flatMap((ofRow) => {
  const { row, kind, policy = {}, more = {} } = ofRow;
  const found = itineraries.find((one) => one.kind === kind);
  const pivot = found?.phases[found.pivotIndex];
  if (found === undefined || pivot === undefined) throw new Error(`${kind} has no pivot`);
  return found.phases.flatMap((phase, index) => {
    const place = index < found.pivotIndex ? 'before' : index === found.pivotIndex ? 'pivot' : 'after';
    return columns.map((column): Cell => ({
      kind,
      row,
      policy,
      more,
      phase: phase.name,
      column,
      place,
      pivot: pivot.name,
      cancelable: pivot.cancelable,
      absent: absenceOf(ofRow, column, phase, place),
    }));
  });
});

export const rowNames: readonly string[] = rows.map(({ row }) => row);
