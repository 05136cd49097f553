import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import { diskId, hostId, runId, vmId, type DiskId, type RunId, type VmId } from '../../../contracts/ids';
import { removedRole } from '../../../contracts/operations/roles';
import { isMissing, syncFolder, writeFileDurably } from '../../files';
import { makeFolder, removeDurably } from '../files';
import { lunNote } from './lun-note';
import { moveNote } from './move-note';
import { roundNotes } from './round-notes';

const bytes = z.int().nonnegative();
const time = z.iso.datetime();

/** A VM as the run imports it: its configuration lies in the placeholder, its disks have their names. */
const importedPlan = z.object({
  vmName: z.string(),
  /** Of an import from a folder; null of a VM that was carried over. */
  fromExport: z
    .object({
      exportedVmId: vmId,
      /** The configuration that Hyper-V reads. */
      configurationPath: z.string(),
      newName: z.string().nullable(),
      /** It came with its LUN from the source of the run, which fenced it, and is to keep its network. */
      cameWithLun: z.boolean().default(false),
      /** Noted before Hyper-V is asked to register it: what is registered from its folder from then on is this run's. */
      isRegistering: z.boolean(),
    })
    .nullable()
    .default(null),
  memoryBytes: bytes,
  /** What the import was asked for: a repeat that asks for another switch is another import. */
  asked: z.string().nullable(),
  /** The switch of its adapters; null where it has none. */
  switchName: z.string().nullable(),
  hasSavedState: z.boolean(),
  changes: z.array(z.string()),
  disks: z.array(z.object({ diskId, path: z.string() })),
  differencing: z.array(
    z.object({ diskId, childPath: z.string(), parentPath: z.string(), mergedBytes: bytes.nullable() }),
  ),
});
export type ImportedPlan = z.infer<typeof importedPlan>;

/** The placeholder of a run: Hyper-V does not know of it before the VM is imported, which is when it starts. */
const placed = z.object({
  /** `<folder>/<vmId>`, all of whose content this run wrote. */
  home: z.string(),
  vmName: z.string(),
  /** Folders above the home that were made for it, innermost first. */
  madeFolders: z.array(z.string()),
  /** Its home is a folder that is imported in place, whose files are not this run's to remove. */
  isAdopted: z.boolean().default(false),
  imported: importedPlan.nullable(),
  /** Noted before the VM is started: from then on nothing of it is deleted. */
  startedAt: time.nullable(),
});
export type Placed = z.infer<typeof placed>;

/** What becomes of a source; noted before it is done, so that a repeat goes on and answers the same. */
const retirement = z.object({
  policy: z.enum(['keep', 'unregister', 'delete']),
  delete: z.array(z.string()),
  kept: z.array(z.string()),
  freedBytes: bytes,
  /** Where the fence denies the VM its disks. */
  fenced: z.array(z.string()),
  home: z.string(),
});
export type Retirement = z.infer<typeof retirement>;

/** What Hyper-V writes for a run: noted before it is begun. */
const exporting = z.object({
  /** Where it is written, and what it is called once it is an export. */
  folder: z.string(),
  published: z.string(),
  /** The job of Hyper-V that writes it; null where it is not known. */
  jobId: z.string().nullable(),
  isWritten: z.boolean(),
});
export type Exporting = z.infer<typeof exporting>;

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
      stoppedAt: time,
      resumedAt: time.nullable(),
    })
    .nullable(),
  /** What was promised to the run. */
  room: z.object({ folder: z.string(), roomBytes: bytes, memoryBytes: bytes }).nullable(),
  /** Files of a VM checkpoint that is being merged: the merge has ended when no chain has them. */
  merging: z.array(z.string()).nullable(),
  /** The folder into which the configuration was exported. */
  exported: z.string().nullable().default(null),
  placed: placed.nullable().default(null),
  retirement: retirement.nullable().default(null),
  rounds: roundNotes.nullable().default(null),
  exporting: exporting.nullable().default(null),
  move: moveNote.nullable().default(null),
  /** The node to which the role of the VM was sent from here, and when it was started here for the run. */
  role: z.object({ to: hostId.nullable(), startedAt: time.nullable() }).nullable().default(null),
  /** The role that the run removed here, and whether its VM ran: noted before it is, and forgotten when it is there again. */
  removedRole: removedRole.extend({ wasRunning: z.boolean() }).nullable().default(null),
  /** Noted before the VM that came here is made a role: one that is found from then on is this run's to set. */
  isMakingRole: z.literal(true).nullable().default(null),
  lun: lunNote.nullable().default(null),
  /** The switch that the run uses and asked to be made. */
  switchName: z.string().nullable().default(null),
});
export type RunFile = z.infer<typeof runFile>;

const empty = (run: RunId, vm: VmId): RunFile => ({
  schema: 1,
  runId: run,
  vmId: vm,
  stop: null,
  room: null,
  merging: null,
  exported: null,
  placed: null,
  retirement: null,
  rounds: null,
  exporting: null,
  move: null,
  role: null,
  removedRole: null,
  isMakingRole: null,
  lun: null,
  switchName: null,
});

/** Files of runs, below a folder of the agent's own: `<runId>/<vmId>.json`. */
export class RunFiles {
  constructor(private readonly folder: string) {}

  /** What is noted of a run and a VM; an empty note where there is none. Failure: JournalDamaged where the file cannot be read. */
  async read(run: RunId, vm: VmId): Promise<Outcome<RunFile>> {
    const path = this.pathOf(run, vm);
    try {
      const parsed = runFile.safeParse(JSON.parse(await readFile(path, 'utf8')));
      if (parsed.success) return succeeded(parsed.data);
    } catch (thrown) {
      if (isMissing(thrown)) return succeeded(empty(run, vm));
      if (!(thrown instanceof SyntaxError)) throw thrown;
    }
    return failed(
      failureOf('JournalDamaged', { message: `${path} cannot be read.`, subject: { vmId: vm }, effect: 'none' }),
    );
  }

  /** A note that says nothing is removed. */
  async write(file: RunFile): Promise<RunFile> {
    const { schema: _, runId: run, vmId: vm, ...notes } = file;
    if (Object.values(notes).every((note) => note === null)) {
      await this.remove(run, vm);
      return file;
    }
    await makeFolder(join(this.folder, run));
    await writeFileDurably(this.pathOf(run, vm), JSON.stringify(file));
    return file;
  }

  /** Forgets a run, but for a placeholder that is still to be removed, and for a role that `removedRole` says is lost. */
  async forget({ runId: run, vmId: vm, placed: ofRun, removedRole: role }: RunFile): Promise<void> {
    const isLeft = ofRun !== null && ofRun.startedAt === null;
    await this.removeRounds(run, vm);
    await this.write({ ...empty(run, vm), placed: isLeft ? ofRun : null, removedRole: role });
  }

  /** What changed of a disk up to a round of pre-copy. */
  roundFile(run: RunId, vm: VmId, round: number, disk: DiskId): string {
    return join(this.roundsFolder(run, vm), `${round}-${disk}.json`);
  }

  removeRounds(run: RunId, vm: VmId): Promise<void> {
    return removeDurably(this.roundsFolder(run, vm));
  }

  private async remove(run: RunId, vm: VmId): Promise<void> {
    await this.removeRounds(run, vm);
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

  private roundsFolder(run: RunId, vm: VmId): string {
    return join(this.folder, run, `rounds-${vm}`);
  }

  private pathOf(run: RunId, vm: VmId): string {
    return join(this.folder, run, `${vm}.json`);
  }
}
