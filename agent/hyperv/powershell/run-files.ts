import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import { runId, vmId, type RunId, type VmId } from '../../../contracts/ids';
import { isMissing, syncFolder, writeFileDurably } from '../../files';

const bytes = z.int().nonnegative();

/** What this agent did to a VM for a run and Hyper-V does not remember. */
const runFile = z.object({
  schema: z.literal(1),
  runId,
  vmId,
  /** `stopping`: noted before the VM is asked to stop, so that a stop whose reply is lost is still this run's. */
  stop: z
    .object({
      how: z.enum(['saved', 'off']),
      stage: z.enum(['stopping', 'stopped']),
      stoppedAt: z.iso.datetime(),
      resumedAt: z.iso.datetime().nullable(),
    })
    .nullable(),
  /** What was promised to the run. */
  room: z.object({ folder: z.string(), roomBytes: bytes, memoryBytes: bytes }).nullable(),
  /** Files of a VM checkpoint that is being merged: the merge has ended when no chain has them. */
  merging: z.array(z.string()).nullable(),
});
export type RunFile = z.infer<typeof runFile>;

/** Files of runs, below a folder of the agent's own: `<runId>/<vmId>.json`. */
export class RunFiles {
  constructor(private readonly folder: string) {}

  /** What is noted of a run and a VM; an empty note where there is none. Failure: JournalDamaged where the file cannot be read. */
  async read(run: RunId, vm: VmId): Promise<Outcome<RunFile>> {
    const path = this.pathOf(run, vm);
    const empty: RunFile = { schema: 1, runId: run, vmId: vm, stop: null, room: null, merging: null };
    try {
      const parsed = runFile.safeParse(JSON.parse(await readFile(path, 'utf8')));
      if (parsed.success) return succeeded(parsed.data);
    } catch (thrown) {
      if (isMissing(thrown)) return succeeded(empty);
      if (!(thrown instanceof SyntaxError)) throw thrown;
    }
    return failed(
      failureOf('JournalDamaged', { message: `${path} cannot be read.`, subject: { vmId: vm }, effect: 'none' }),
    );
  }

  /** A note that says nothing is removed. */
  async write(file: RunFile): Promise<void> {
    const { stop, room, merging } = file;
    if (stop === null && room === null && merging === null) {
      await this.remove(file.runId, file.vmId);
      return;
    }
    await mkdir(join(this.folder, file.runId), { recursive: true, mode: 0o700 });
    await writeFileDurably(this.pathOf(file.runId, file.vmId), JSON.stringify(file));
  }

  async remove(run: RunId, vm: VmId): Promise<void> {
    await rm(this.pathOf(run, vm), { force: true });
    const left = await readdir(join(this.folder, run)).catch(() => undefined);
    if (left?.length !== 0) return;
    await rm(join(this.folder, run), { recursive: true, force: true });
    await syncFolder(this.folder);
  }

  /** Runs of which something is noted, with the folder that says so. */
  async runs(): Promise<{ readonly runId: RunId; readonly path: string }[]> {
    const names = await readdir(this.folder).catch((): string[] => []);
    return names.flatMap((name) => {
      const parsed = runId.safeParse(name);
      return parsed.success ? [{ runId: parsed.data, path: join(this.folder, name) }] : [];
    });
  }

  /** Everything that is noted. Failure: JournalDamaged where one of the files cannot be read. */
  async all(): Promise<Outcome<RunFile[]>> {
    const files: RunFile[] = [];
    for (const { runId: run, path } of await this.runs())
      for (const name of await readdir(path).catch((): string[] => [])) {
        const vm = vmId.safeParse(name.replace(/\.json$/, ''));
        if (!vm.success) continue;
        const file = await this.read(run, vm.data);
        if (!file.ok) return file;
        files.push(file.value);
      }
    return succeeded(files);
  }

  private pathOf(run: RunId, vm: VmId): string {
    return join(this.folder, run, `${vm}.json`);
  }
}
