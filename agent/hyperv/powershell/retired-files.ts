import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { runId, vmId, type RunId, type VmId } from '../../../contracts/ids';
import { ifExists } from '../../files';
import { readJson, removeDurably, writeJsonAtomic } from '../files';

/** A source that a run retired and whose registration had to go, since the VM was registered here anew. Its files are where they were. */
const retiredFile = z.object({
  schema: z.literal(1),
  runId,
  vmId,
  vmName: z.string(),
  home: z.string(),
  files: z.array(z.object({ path: z.string(), sizeBytes: z.int().nonnegative() })),
  /** Where the fence denies the VM its disks. */
  fenced: z.array(z.string()),
});
export type RetiredFile = z.infer<typeof retiredFile>;

/** Notes of retired sources, below a folder of the agent's own: `<runId>.<vmId>.json`. */
export class RetiredFiles {
  constructor(private readonly folder: string) {}

  async read(run: RunId, vm: VmId): Promise<RetiredFile | undefined> {
    const read = await readJson(this.pathOf(run, vm), retiredFile);
    return read.state === 'read' ? read.value : undefined;
  }

  write(file: RetiredFile): Promise<void> {
    return writeJsonAtomic(this.pathOf(file.runId, file.vmId), file);
  }

  remove(run: RunId, vm: VmId): Promise<void> {
    return removeDurably(this.pathOf(run, vm));
  }

  /** Every note that can be read. */
  async all(): Promise<RetiredFile[]> {
    const found: RetiredFile[] = [];
    for (const name of (await ifExists(readdir(this.folder))) ?? []) {
      const read = name.endsWith('.json') ? await readJson(join(this.folder, name), retiredFile) : undefined;
      if (read?.state === 'read') found.push(read.value);
    }
    return found;
  }

  private pathOf(run: RunId, vm: VmId): string {
    return join(this.folder, `${run}.${vm}.json`);
  }
}
