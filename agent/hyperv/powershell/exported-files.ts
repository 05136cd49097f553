import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { vmId, type VmId } from '../../../contracts/ids';
import { ifExists } from '../../files';
import { exportLayout } from '../home/export-folder';

export const isDiskFile = (path: string): boolean => /\.a?vhdx?$/i.test(path);

/** The name of a file whatever the host that wrote its path. */
export const nameOf = (path: string): string => path.split(/[\\/]/).at(-1) ?? '';

/** Files beside the configuration of an exported VM, by their endings; Hyper-V writes ids in capitals or not. */
export async function exportedFiles(folder: string): Promise<{ id: VmId; ending: string; path: string }[]> {
  const { machines } = exportLayout(folder);
  const names = (await ifExists(readdir(machines))) ?? [];
  return names.flatMap((name) => {
    const [, id, ending = ''] = /^(.{36})\.(vmcx|vmrs|vmgs)$/i.exec(name) ?? [];
    const parsed = vmId.safeParse(id?.toLowerCase());
    return parsed.success ? [{ id: parsed.data, ending: ending.toLowerCase(), path: join(machines, name) }] : [];
  });
}

/** The VMs that a folder has a configuration of. */
export const exportedVmIds = async (folder: string): Promise<VmId[]> =>
  (await exportedFiles(folder)).flatMap(({ id, ending }) => (ending === 'vmcx' ? [id] : []));
