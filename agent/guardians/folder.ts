import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { failed, failureOf, succeeded, type Outcome } from '../../contracts/failure';
import { failureOfIo, ifExists } from '../files';
import { exists, readJson, removeDurably, writeJsonAtomic } from '../hyperv/files';
import { makePrivateFolder, makeStateFolder } from '../private-folder';
import { takeStateLock, type StateLock } from '../state-lock';
import { guardianOffer, hasExpired, type GuardianOffer } from './offer';

const keptOffer = z.strictObject({ offer: guardianOffer, secret: z.base64() });
export type KeptOffer = { readonly offer: GuardianOffer; readonly secret: Buffer };

const folderOf = (stateFolder: string): string => join(stateFolder, 'guardians');

/**
 * The agent's own folder for guardians, which nobody else may read: `offers/ID.json`, the secret of each offer that is open, and `pfx`, there while a
 * guardian is imported. One process has it at a time; what one left that was killed is removed when the next takes it.
 */
export class GuardianFolder {
  private constructor(
    private readonly folder: string,
    private readonly lock: StateLock,
  ) {}

  /** Makes the folder where it is not there. Failures: RequestInvalid while another command has it; IoFailed, DiskFull. */
  static async open(stateFolder: string, nowMs: number): Promise<Outcome<GuardianFolder>> {
    const folder = folderOf(stateFolder);
    try {
      await makeStateFolder(stateFolder);
      await makePrivateFolder(folder);
      const opened = await GuardianFolder.take(folder, nowMs);
      return opened === undefined ? failed(busy(folder)) : succeeded(opened);
    } catch (thrown) {
      return failed(failureOfIo(thrown, `the folder ${folder} cannot be used`, 'none'));
    }
  }

  /** Removes what a killed command left, and offers that have expired; for the start of the agent. Nothing where the folder is in use. */
  static async sweep(stateFolder: string, nowMs: number): Promise<void> {
    const folder = folderOf(stateFolder);
    if (!(await exists(folder))) return;
    (await GuardianFolder.take(folder, nowMs))?.close();
  }

  private static async take(folder: string, nowMs: number): Promise<GuardianFolder | undefined> {
    const lock = takeStateLock(folder);
    if (lock === undefined) return undefined;
    const taken = new GuardianFolder(folder, lock);
    try {
      await taken.removeLeftovers(nowMs);
      return taken;
    } catch (thrown) {
      lock.release();
      throw thrown;
    }
  }

  async keep({ offer, secret }: KeptOffer): Promise<void> {
    await writeJsonAtomic(this.pathOf(offer.id), { offer, secret: secret.toString('base64') });
  }

  /** An offer of this host that is open: neither used nor expired. */
  async offer(id: string): Promise<KeptOffer | undefined> {
    const file = await readJson(this.pathOf(id), keptOffer);
    return file.state === 'read'
      ? { offer: file.value.offer, secret: Buffer.from(file.value.secret, 'base64') }
      : undefined;
  }

  async forget(id: string): Promise<void> {
    await removeDurably(this.pathOf(id));
  }

  /** Has files beside each other while `work` is done with their paths. */
  async withFiles<T>(files: Readonly<Record<string, Uint8Array>>, work: (folder: string) => Promise<T>): Promise<T> {
    const folder = join(this.folder, 'pfx');
    try {
      await mkdir(folder, { mode: 0o700 });
      for (const [name, data] of Object.entries(files))
        await writeFile(join(folder, name), data, { flag: 'wx', mode: 0o600 });
      return await work(folder);
    } finally {
      await removeDurably(folder);
    }
  }

  close(): void {
    this.lock.release();
  }

  private pathOf(id: string): string {
    return join(this.folder, 'offers', `${id}.json`);
  }

  private async removeLeftovers(nowMs: number): Promise<void> {
    await removeDurably(join(this.folder, 'pfx'));
    const offers = join(this.folder, 'offers');
    for (const name of (await ifExists(readdir(offers))) ?? []) {
      const path = join(offers, name);
      const file = name.endsWith('.json') ? await readJson(path, keptOffer) : undefined;
      if (file?.state !== 'read' || hasExpired(file.value.offer, nowMs)) await removeDurably(path);
    }
  }
}

const busy = (folder: string) =>
  failureOf('RequestInvalid', {
    message: `another command uses the folder ${folder}`,
    subject: { field: 'stateFolder' },
    remedy: 'Give one command about guardians at a time.',
  });
