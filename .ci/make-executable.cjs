/* global __dirname -- a CommonJS script of the build */
// Lets the built programs of package.json be run. npm does that once, when it links a package; what is built anew later, or in a new clone at
// the same place, which npx knows already, would answer "Permission denied".
const { chmodSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..');
const { bin } = require('../package.json');

for (const path of Object.values(bin)) chmodSync(join(root, path), 0o755);
