import { z } from 'zod';
import { FileNode, type FileTree } from '../platform/file-tree';
import type { Complain } from './violation';

const accepted = z.object({
  event: z.literal('accepted'),
  operationId: z.string(),
  runId: z.string(),
  epoch: z.int(),
  kind: z.string(),
});
type Accepted = z.infer<typeof accepted>;
const records = z.array(z.looseObject({ event: z.string() }));

export const operationsLog = '/state/operations/operations.log';
const checksumCharacters = 9;

/** What agents accepted, read from their logs as they are written: no id twice, and of each run no epoch below one that came before. */
export class OperationLogs {
  readonly #seen = new Map<
    string,
    { readonly bytes: number; readonly ids: Set<string>; readonly epochs: Map<string, number> }
  >();

  constructor(private readonly complain: Complain) {}

  /** An agent begins on a machine: what its log had lost with the power counts no more. */
  begins(machine: string): void {
    this.#seen.delete(machine);
  }

  /** The log of a machine has changed. */
  changed(machine: string, tree: FileTree): void {
    const node = tree.find(operationsLog);
    if (!(node instanceof FileNode)) return;
    const known = this.#seen.get(machine);
    // A log that is shorter lost a torn end: it is read anew.
    const from =
      known !== undefined && node.sizeBytes >= known.bytes
        ? known
        : { bytes: 0, ids: new Set<string>(), epochs: new Map<string, number>() };
    const bytes = Buffer.alloc(node.sizeBytes - from.bytes);
    node.read(bytes, from.bytes);
    const wholeBytes = bytes.lastIndexOf(0x0a) + 1;
    for (const line of bytes.toString('utf8', 0, wholeBytes).split('\n')) {
      for (const one of recordsOf(line)) this.#check(machine, one, from);
    }
    this.#seen.set(machine, { ...from, bytes: from.bytes + wholeBytes });
  }

  #check(
    machine: string,
    { operationId, runId, epoch, kind }: Accepted,
    seen: { ids: Set<string>; epochs: Map<string, number> },
  ): void {
    if (seen.ids.has(operationId))
      this.complain('an operation is accepted once', `${machine}: ${operationId} (${kind})`);
    seen.ids.add(operationId);
    const highest = seen.epochs.get(runId) ?? 0;
    if (epoch < highest)
      this.complain(
        'a stale epoch changes nothing',
        `${machine} took ${kind} ${operationId} of epoch ${epoch} after epoch ${highest}`,
      );
    seen.epochs.set(runId, Math.max(highest, epoch));
  }
}

function recordsOf(line: string): Accepted[] {
  if (line.length <= checksumCharacters) return [];
  let json: unknown;
  try {
    json = JSON.parse(line.slice(checksumCharacters));
  } catch {
    // A line torn by a power loss; the agent cuts it off.
    return [];
  }
  return records
    .parse(json)
    .filter(({ event }) => event === 'accepted')
    .map((record) => accepted.parse(record));
}
