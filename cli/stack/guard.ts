import { flushCompileCache } from 'node:module';
import { Socket } from 'node:net';

/**
 * Loaded with `--require` into every process of the local stack: it ends that process when its parent is gone, however the parent went.
 * The parent holds the other end of file descriptor 3 and never writes; the system closes it when the parent ends, `kill -9` included.
 *
 * HYPERFERRY_GUARD_PARENT names the parent, so that a process which inherits the environment and the Node options (the workers of the
 * runtime) does not take its own descriptor 3 for this one.
 */
const graceMs = 3000;
const descriptor = 3;

function watchParent(): void {
  const line = new Socket({ fd: descriptor, readable: true, writable: false });
  const end = (): void => {
    // First the way that lets the process close its files; the hard way when that takes too long.
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), graceMs).unref();
    process.kill(process.pid, 'SIGTERM');
  };
  line.on('error', end);
  line.on('close', end);
  line.resume();
  line.unref();
}

const parent = process.env['HYPERFERRY_GUARD_PARENT'];
delete process.env['HYPERFERRY_GUARD_PARENT'];
if (parent === String(process.ppid)) watchParent();

// Node writes its cache of compiled code (NODE_COMPILE_CACHE) when a process ends in order; one that is killed should leave it as well.
const cacheAfterMs = 4000;
if (process.env['NODE_COMPILE_CACHE'] !== undefined) setTimeout(flushCompileCache, cacheAfterMs).unref();
