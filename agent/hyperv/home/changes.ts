import type { MadeSwitchType } from '../../../contracts/switches';

/** What an import changes of a VM, in sentences: disks by what they are attached to before the run's VM checkpoint and after its merge. */
export function changesOf(
  before: {
    readonly switchName: string | null;
    readonly disks: readonly { readonly diskId: string; readonly attachedPath: string }[];
  },
  after: {
    readonly switchName: string | null;
    readonly disks: readonly { readonly diskId: string; readonly path: string }[];
    readonly savedStatePath: string | null;
    readonly configurationPath: string;
  },
  differencing: readonly { readonly diskId: string; readonly parentPath: string }[],
): string[] {
  const disks = after.disks.map(({ diskId, path }) => {
    const was = before.disks.find((disk) => disk.diskId === diskId)?.attachedPath ?? 'nowhere';
    const is = differencing.find((one) => one.diskId === diskId)?.parentPath ?? path;
    return `Disk ${diskId} was ${was} and is now ${is}.`;
  });
  const saved = after.savedStatePath === null ? [] : [`The saved memory is now ${after.savedStatePath}.`];
  const nameOf = (name: string | null): string => (name === null ? 'not connected' : `"${name}"`);
  const network =
    before.switchName === after.switchName
      ? []
      : [`The virtual switch was ${nameOf(before.switchName)} and is now ${nameOf(after.switchName)}.`];
  return [...disks, ...saved, ...network, `The configuration is now ${after.configurationPath}.`];
}

/** A switch that an import is to have, and that is made before it. */
export const switchToBeMade = (name: string, type: MadeSwitchType | undefined): string =>
  `${name} (${type ?? ''} switch, to be made)`;
