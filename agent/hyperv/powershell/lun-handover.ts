import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import { diskId, runId, vmId, type RunId, type VmId } from '../../../contracts/ids';
import { vmDisksMax } from '../../../contracts/limits';
import { ifExists, syncFolder, writeFileDurably } from '../../files';
import { exists, makeFolder, readJson, removeDurably } from '../files';

/**
 * What goes over with a LUN beside the files of the VM: `<home>/.hyperferry-lun-<runId>`. It holds what the source says of the VM, and who
 * has the LUN. Windows keeps no host from a disk that another has online, so that is told on the disk itself: `given-up` is written by the
 * source as the last thing before it takes the disk offline, and becomes `taken` by the destination; back the same way.
 */
const handoverOf = (home: string, run: RunId) => {
  const folder = join(home, `.hyperferry-lun-${run}`);
  const file = (name: string): string => join(folder, name);
  return { folder, written: file('configuration.json'), givenUp: file('given-up'), taken: file('taken') };
};

/** The VM as the source wrote it. Nothing of it is trusted before it was compared with the LUN. */
const writtenVm = z.object({
  schema: z.literal(1),
  runId,
  vmId,
  vmName: z.string().max(200),
  home: z.string(),
  memoryBytes: z.int().nonnegative(),
  switchName: z.string().max(256).nullable(),
  disks: z.array(z.object({ diskId, path: z.string().min(1) })).max(vmDisksMax),
});
export type WrittenVm = z.infer<typeof writtenVm>;

export async function writeVm(content: WrittenVm): Promise<void> {
  const { folder, written } = handoverOf(content.home, content.runId);
  await makeFolder(folder);
  await writeFileDurably(written, JSON.stringify(content));
}

/** RequestInvalid where it is not there, cannot be read, or is that of another VM, run or folder. */
export async function readVm(home: string, run: RunId, vm: VmId): Promise<Outcome<WrittenVm>> {
  const read = await readJson(handoverOf(home, run).written, writtenVm);
  const unusable = (why: string) =>
    failed(
      failureOf('RequestInvalid', {
        message: `The configuration of VM ${vm} in ${home} cannot be used: ${why}.`,
        subject: { vmId: vm },
        effect: 'none',
        native: '32784',
      }),
    );
  if (read.state !== 'read') return unusable(read.state === 'damaged' ? read.reason : read.state);
  const { runId: ofRun, vmId: ofVm, home: of } = read.value;
  return ofRun === run && ofVm === vm && of === home
    ? succeeded(read.value)
    : unusable(`it is that of VM ${ofVm} in ${of}, run ${ofRun}`);
}

/** Who has the LUN, as the LUN says: `source` where nobody gave it up. */
export async function holderOf(home: string, run: RunId): Promise<'source' | 'nobody' | 'destination'> {
  const { givenUp, taken } = handoverOf(home, run);
  if (await exists(taken)) return 'destination';
  return (await exists(givenUp)) ? 'nobody' : 'source';
}

/** By the source, which has it online still: the next thing is to take it offline. */
export async function giveUp(home: string, run: RunId): Promise<void> {
  const { folder, givenUp } = handoverOf(home, run);
  await makeFolder(folder);
  await writeFileDurably(givenUp, run);
}

/** By the destination, likewise. Nothing happens where it had not taken it. */
export async function handBack(home: string, run: RunId): Promise<void> {
  const { folder, givenUp, taken } = handoverOf(home, run);
  if ((await ifExists(rename(taken, givenUp).then(() => true))) === true) await syncFolder(folder);
}

/** By the destination. False where it was not given up. */
export async function take(home: string, run: RunId): Promise<boolean> {
  const { folder, givenUp, taken } = handoverOf(home, run);
  if (await exists(taken)) return true;
  const moved = await ifExists(rename(givenUp, taken).then(() => true));
  if (moved !== true) return false;
  await syncFolder(folder);
  return true;
}

/** By the source, which has it again. */
export const takeBack = (home: string, run: RunId): Promise<void> => removeDurably(handoverOf(home, run).givenUp);

/** Nothing of the handover is needed any more: it was undone, or the VM runs at the destination. */
export const forgetHandover = (home: string, run: RunId): Promise<void> => removeDurably(handoverOf(home, run).folder);
