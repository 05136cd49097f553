import { runId, type RunId } from '../../../contracts/ids';

/** Which runs hold a VM. Kept as a line of the VM's notes: an administrator sees it, and it outlives the agent. */
export type Marks = {
  readonly reservedBy: RunId | null;
  readonly fencedBy: RunId | null;
  /** The run that started the VM elsewhere and left this registration as its retired source. */
  readonly retiredBy: RunId | null;
};

export const noMarks: Marks = { reservedBy: null, fencedBy: null, retiredBy: null };

const line = /(?:^|\n)\[hyperferry((?: [a-z]+=[A-Za-z0-9_-]+)*)\](?=\r|\n|$)/g;

const runOf = (fields: ReadonlyMap<string, string>, name: string): RunId | null => {
  const parsed = runId.safeParse(fields.get(name));
  return parsed.success ? parsed.data : null;
};

/** The marks in the notes of a VM; those of the last line where there are several. */
export function marksIn(notes: string): Marks {
  const last = [...notes.matchAll(line)].at(-1)?.[1] ?? '';
  const fields = new Map(
    last
      .split(' ')
      .filter((field) => field !== '')
      .map((field): [string, string] => [field.slice(0, field.indexOf('=')), field.slice(field.indexOf('=') + 1)]),
  );
  return {
    reservedBy: runOf(fields, 'reserved'),
    fencedBy: runOf(fields, 'fenced'),
    retiredBy: runOf(fields, 'retired'),
  };
}

/** Notes with these marks and no others; all that people wrote stays as it is. */
export function withMarks(notes: string, { reservedBy, fencedBy, retiredBy }: Marks): string {
  const rest = notes.replace(line, '');
  const fields = [
    reservedBy && `reserved=${reservedBy}`,
    fencedBy && `fenced=${fencedBy}`,
    retiredBy && `retired=${retiredBy}`,
  ].filter((one) => one !== null);
  if (fields.length === 0) return rest;
  const mark = `[hyperferry ${fields.join(' ')}]`;
  return rest === '' ? mark : `${rest}\n${mark}`;
}

/** The run that made a virtual switch, by the notes of the switch. */
export function madeByIn(notes: string): RunId | null {
  const last = [...notes.matchAll(line)].at(-1)?.[1]?.trim() ?? '';
  return last.startsWith('made=') ? runOf(new Map([['made', last.slice('made='.length)]]), 'made') : null;
}

/** The notes of a switch that a run makes. */
export const notesOfMadeSwitch = (run: RunId): string => `[hyperferry made=${run}]`;

/** Notes without any mark; all that people wrote stays as it is. */
export const withoutMarks = (notes: string): string => notes.replace(line, '');
