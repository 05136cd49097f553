import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Makes a file's content durable. */
export function syncFile(path: string): void {
  const handle = openSync(path, 'r+');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Makes the names in a folder durable. Windows does that by itself and does not let a folder be opened. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Makes an empty file that its owner alone may read; throws when there is one of that name. */
export const makePrivateFile = (path: string): void => closeSync(openSync(path, 'wx', 0o600));

/** Gives a finished file its name; throws with code EEXIST, and leaves what stands there, when the name is taken. */
export function publish(temporary: string, path: string): void {
  syncFile(temporary);
  try {
    linkSync(temporary, path);
    rmSync(temporary);
  } catch (thrown) {
    // Where the file system has no links, a name that appears in this very moment is replaced.
    if (existsSync(path)) throw thrown;
    renameSync(temporary, path);
  }
  syncFolder(dirname(path));
}

/** Copies into a file that its owner alone may read. */
export function copyPrivately(from: string, to: string): void {
  makePrivateFile(to);
  copyFileSync(from, to);
  // The copy takes the rights of what it copies.
  chmodSync(to, 0o600);
}
