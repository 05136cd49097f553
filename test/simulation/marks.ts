import { kinds } from '../../contracts/migration';

/**
 * What a thousand seeds must have been through. A simulator that reaches nothing finds nothing, so a mark that is never reached fails it.
 * A new one is counted by `mark(...)` where it is seen.
 */
export const requiredMarks: readonly string[] = [
  // Every kind.
  ...kinds.map((kind) => `${kind} completed`),
  // How disks get there.
  'a staged run completed',
  'a converting run completed',
  // How runs end.
  'run completed',
  'run rolled-back',
  'run rejected',
  // What a person has to do with.
  'parked at the pivot',
  'parked after the pivot',
  'parked in an undo',
  'a question answered',
  'a cancel asked',
  'a cancel honoured',
  'a cancel too late',
  // What recovery has to do.
  'resumed in mid-disk',
  'an operation resumed by a new agent',
  'undo after a lost reply',
  'undo of what may have been done',
  'renewed history in the middle of a pull',
  'a torn operation log cut off',
  // What goes wrong.
  'a request lost',
  'a reply lost',
  'a request overtaken',
  'a message twice',
  'messages late and out of order',
  'a connection half open',
  'a connection broken',
  'a machine cut off',
  'an agent killed',
  'an agent killed in a start',
  'an agent killed in the middle of a write',
  'power lost',
  'power lost in the middle of a change',
  'a disk full',
  'a read that fails',
  'a read damaged',
  'a sync that fails',
  'a clock off',
  'the runtime killed before a commit',
  'the runtime killed after a commit',
  'storage answered 503',
  'storage answered 412',
];

export type Marks = Readonly<Record<string, number>>;

export function addMarks(all: Map<string, number>, marks: Marks): void {
  for (const [mark, count] of Object.entries(marks)) all.set(mark, (all.get(mark) ?? 0) + count);
}

export const marksMissing = (all: ReadonlyMap<string, number>): string[] =>
  requiredMarks.filter((mark) => !all.has(mark));
