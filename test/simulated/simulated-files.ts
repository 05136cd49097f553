import type * as Modules from '../simulation/platform/modules';

// Imported before what is to run on the files of machines that can lose their power.
jest.mock('node:fs/promises', () => jest.requireActual<typeof Modules>('../simulation/platform/modules').fsPromises);
