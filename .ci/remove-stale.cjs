/* global __dirname -- a CommonJS script of the build */
// Removes built files whose source is gone: a module that became a folder would otherwise still be found under its old name.
const { existsSync, readdirSync, rmSync } = require('node:fs');
const { join, relative } = require('node:path');

const root = join(__dirname, '..');
const dist = join(root, 'dist');

for (const entry of existsSync(dist) ? readdirSync(dist, { recursive: true, withFileTypes: true }) : []) {
  const path = join(entry.parentPath, entry.name);
  const source = join(root, relative(dist, path)).replace(/\.(?:js|js\.map|d\.ts)$/, '.ts');
  if (entry.isFile() && source.endsWith('.ts') && !existsSync(source)) rmSync(path);
}
