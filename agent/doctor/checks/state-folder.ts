import { gibOf, mib } from '../units';
import { critical, fine, warning, type Check } from '../check';

const freeBytesWanted = 1024 * mib;
const freeBytesMin = 100 * mib;

export const stateFolder: Check = {
  id: 'state-folder',
  looksAt: 'the state folder can be written and has room',
  async look(see) {
    const path = see.parts.config.stateFolder;
    const look = await see.stateFolder();
    if (look.type === 'unusable')
      return critical(
        `stateFolder is ${path}, which cannot be written: ${look.why}`,
        'Give the account of the agent full control of that folder, or name another one.',
      );
    const { freeBytes } = look;
    const found = `${path} has ${gibOf(freeBytes)} free`;
    const remedy = 'Free room on that volume: without any, no operation can be taken on.';
    if (freeBytes < freeBytesMin) return critical(found, remedy);
    return freeBytes < freeBytesWanted ? warning(found, remedy) : fine(found);
  },
};

export const stateFolderOwn: Check = {
  id: 'state-folder-own',
  looksAt: 'no other agent uses the state folder',
  async look(see) {
    const path = see.parts.config.stateFolder;
    const look = await see.stateFolder();
    if (look.type === 'usable' && look.isTaken)
      return warning(
        `an agent has ${path} now`,
        'Nothing, if it is the agent of this configuration. Else give this one a state folder of its own: it does not start with that one.',
      );
    return fine(`no agent has ${path}`);
  },
};
