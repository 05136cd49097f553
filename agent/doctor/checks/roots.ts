import { stat } from 'node:fs/promises';
import { describeThrown } from '../../../contracts/failure';
import { critical, fine, skipped, warning, type Check, type Verdict } from '../check';
import { tryToWrite } from '../looks/state-folder';
import { gibOf, mib } from '../units';

const freeBytesMin = 20 * 1024 * mib;
const freeShareMin = 0.05;

export const roots: Check = {
  id: 'roots',
  looksAt: 'the folders for VMs are there and can be written',
  async look({ parts: { config, newGuid } }): Promise<Verdict[]> {
    const { driver } = config;
    if (driver.type === 'simulated') return [skipped('the driver is simulated')];
    return Promise.all(driver.roots.map((root) => lookAt(root, newGuid())));
  },
};

async function lookAt(root: string, guid: string): Promise<Verdict> {
  const remedy = 'Make the folder, on a volume of this host, and give the account of the agent full control of it.';
  try {
    if (!(await stat(root)).isDirectory()) return critical(`driver.roots names ${root}, which is no folder`, remedy);
    await tryToWrite(root, guid);
    return fine(`${root} can be written`);
  } catch (thrown) {
    return critical(`driver.roots names ${root}, which cannot be written: ${describeThrown(thrown)}`, remedy);
  }
}

/** On which Hyper-V runs VMs; the last three are of cluster shared volumes. */
const goodFileSystems = ['NTFS', 'ReFS', 'CSVFS', 'CSVFS_NTFS', 'CSVFS_ReFS'];

export const room: Check = {
  id: 'room',
  looksAt: 'the volumes of the folders for VMs have a file system for VMs, and room',
  async look(see): Promise<Verdict[]> {
    const look = await see.hyperV();
    if (look.type === 'not-used') return [skipped('the driver is simulated')];
    if (look.type !== 'answers') return [skipped('the worker does not start (hyper-v-module)')];
    const { doctor, facts } = look;
    if (!facts.ok) return [skipped('Hyper-V does not answer (hyper-v-answers)')];
    return facts.value.volumes.map(({ root, sizeBytes, freeBytes, error }) => {
      if (error !== null)
        return critical(
          `the volume of ${root} does not answer: ${error.message}`,
          'Bring the volume online, or take the folder out of driver.roots.',
        );
      const fileSystem = doctor.fileSystems.find((one) => one.root === root)?.fileSystem;
      if (fileSystem?.known === true && !goodFileSystems.includes(fileSystem.value))
        return critical(
          `the volume of ${root} has the file system ${fileSystem.value}, on which Hyper-V keeps no VMs`,
          'Name a folder on a volume with NTFS or ReFS.',
        );
      const found = `${root}: ${gibOf(freeBytes)} free of ${gibOf(sizeBytes)}`;
      return freeBytes < Math.max(freeBytesMin, freeShareMin * sizeBytes)
        ? warning(found, 'Free room there before VMs are moved to it, or take the folder out of driver.roots.')
        : fine(found);
    });
  },
};
