import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runId, vmId, type OperationId, type RunId, type VmId } from '../../contracts/ids';
import { isoTime, type Clock } from '../clock';
import { isThere, syncFolder } from '../files';

const markName = /^([A-Za-z0-9_-]+)\.([0-9a-f-]+)$/;
// Lower case, since NTFS does not tell "A" from "a": two such runs share their marks, which is safe.
const keyOf = (run: RunId, vm: VmId): string => `${run}.${vm}`.toLowerCase();

/**
 * "This run started this VM here", for ever: one file a mark, in a folder of its own, so that neither pruning nor a damaged operation log
 * can lose it. The name alone is the mark (what is inside is for people), so there is no state of the file in which it does not count.
 */
export class StartMarks {
  readonly #folder: string;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #keys: Set<string>;

  private constructor(folder: string, clock: Pick<Clock, 'now'>, keys: Set<string>) {
    this.#folder = folder;
    this.#clock = clock;
    this.#keys = keys;
  }

  /** Makes the folder if needed and reads the marks. Throws what the file system throws, and on a file that is no mark. */
  static async open(folder: string, clock: Pick<Clock, 'now'>): Promise<StartMarks> {
    await mkdir(folder, { recursive: true });
    const keys = (await readdir(folder)).map((name) => {
      const [, run, vm] = markName.exec(name) ?? [];
      if (run === undefined || vm === undefined) throw new Error(`${join(folder, name)} is not a start mark`);
      return keyOf(runId.parse(run), vmId.parse(vm));
    });
    return new StartMarks(folder, clock, new Set(keys));
  }

  has(run: RunId, vm: VmId): boolean {
    return this.#keys.has(keyOf(run, vm));
  }

  /** Durable when it resolves. `there` when an earlier attempt made the mark. */
  async make(run: RunId, vm: VmId, operationId: OperationId): Promise<'made' | 'there'> {
    const key = keyOf(run, vm);
    if (this.#keys.has(key)) return 'there';
    // From here on it counts, whatever becomes of the file: too many marks are safe, one too few is not.
    this.#keys.add(key);
    try {
      const handle = await open(join(this.#folder, key), 'wx', 0o600);
      try {
        await handle.writeFile(`${JSON.stringify({ operationId, at: isoTime(this.#clock.now()) })}\n`);
        await handle.sync();
      } finally {
        await handle.close();
      }
    } catch (thrown) {
      if (!isThere(thrown)) throw thrown;
    }
    await syncFolder(this.#folder);
    return 'made';
  }

  /** Takes a mark back, when it is certain that nothing was started under it. */
  async withdraw(run: RunId, vm: VmId): Promise<void> {
    const key = keyOf(run, vm);
    await rm(join(this.#folder, key), { force: true });
    await syncFolder(this.#folder);
    this.#keys.delete(key);
  }
}
