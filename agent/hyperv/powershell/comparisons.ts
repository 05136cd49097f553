import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Outcome } from '../../../contracts/failure';
import { runId, type RunId } from '../../../contracts/ids';
import { ifExists } from '../../files';
import { makeFolder, removeDurably } from '../files';
import type { Client } from './calls/client';
import type { CallArguments, CallValue } from './calls/definitions';

/** A look before any run. No run has such an id. */
export const inspecting = 'of an inspection';
type Edits = Omit<CallArguments<'read-import'>, 'Folder'>;

/**
 * Comparisons of VMs with this host under ids that Hyper-V draws. Each has a folder of the agent's own, which Hyper-V is told as the place
 * of the VM that it plans: by it a planned VM is known that a worker or an agent left which ended in the middle.
 */
export class Comparisons {
  private readonly underWay: string[] = [];

  constructor(
    private readonly folder: string,
    private readonly client: Client,
  ) {}

  /** What Hyper-V would make of it. Nothing stays planned. */
  async compare(by: RunId | typeof inspecting, edits: Edits): Promise<Outcome<CallValue<'read-import'>>> {
    await this.clear();
    const Folder = join(this.folder, by);
    this.underWay.push(by);
    await makeFolder(Folder);
    const compared = await this.client.call('read-import', { ...edits, Folder });
    this.underWay.splice(this.underWay.indexOf(by), 1);
    if (!this.underWay.includes(by)) await (compared.ok ? removeDurably(Folder) : this.clear());
    return compared;
  }

  /** Removes what comparisons left that are not under way any more. */
  async clear(): Promise<void> {
    for (const name of await this.names()) {
      if (this.underWay.includes(name)) continue;
      const Folder = join(this.folder, name);
      const removed = await this.client.call('remove-planned', { Folder });
      if (removed.ok && !this.underWay.includes(name)) await removeDurably(Folder);
    }
  }

  /** Runs whose comparison may have left a planned VM that cannot be removed now. */
  async left(): Promise<RunId[]> {
    await this.clear();
    return (await this.names()).flatMap((name) => {
      const parsed = runId.safeParse(name);
      return parsed.success && !this.underWay.includes(name) ? [parsed.data] : [];
    });
  }

  private async names(): Promise<string[]> {
    return (await ifExists(readdir(this.folder))) ?? [];
  }
}
