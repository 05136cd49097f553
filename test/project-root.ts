import { join } from 'node:path';

/** The folder of package.json. Compiled tests lie in dist/test. */
export const projectRoot = join(__dirname, '..', '..');
