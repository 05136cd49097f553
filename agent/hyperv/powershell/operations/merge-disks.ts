import { mergeEach } from '../../home/work';
import type { Handler } from '../host';
import { placeholderOf, withImport, type ImportedNote } from '../placing';

/** By the agent itself: the files are of no VM yet, and its merge can be repeated wherever it was cut short. */
export const mergeDisks: Handler<'merge-disks'> = async (host, context, { vmId, folder }) => {
  const placed = await placeholderOf(host, context.runId, vmId, folder);
  if (!placed.ok) return placed;
  const imported = withImport(placed.value);
  if (!imported.ok) return imported;
  let note = imported.value;
  return mergeEach(host, context, note.placed.imported.differencing, async (diskId, mergedBytes) => {
    note = withMerged(note, diskId, mergedBytes);
    await host.runs.write(note);
  });
};

function withMerged(note: ImportedNote, diskId: string, mergedBytes: number): ImportedNote {
  const { imported: plan } = note.placed;
  const differencing = plan.differencing.map((one) => (one.diskId === diskId ? { ...one, mergedBytes } : one));
  const disks = plan.disks.map((disk) => {
    const merged = differencing.find((one) => one.diskId === diskId && one.childPath === disk.path);
    return merged === undefined ? disk : { ...disk, path: merged.parentPath };
  });
  return { ...note, placed: { ...note.placed, imported: { ...plan, disks, differencing } } };
}
