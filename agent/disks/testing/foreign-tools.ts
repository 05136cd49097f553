import { execFileSync, spawnSync } from 'node:child_process';

/** Whether a command of another implementation is installed; says so once when it is not, since its tests are then skipped. */
function isThere(command: string, args: readonly string[], how: string): boolean {
  const there = spawnSync(command, args, { stdio: 'ignore' }).status === 0;
  if (!there) process.stderr.write(`tests with ${command} are skipped: ${how}\n`);
  return there;
}

const python = '/usr/bin/python3';

export const hasQemu = isThere('qemu-img', ['--version'], 'install qemu-utils');
export const hasLibvhdi = isThere(python, ['-c', 'import pyvhdi'], 'install python3-libvhdi');
export const hasVhdiinfo = isThere('vhdiinfo', ['-V'], 'install libvhdi-utils');

export const run = (command: string, ...args: readonly string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** What libvhdi reads of a chain of files, the last child first. */
export function readWithLibvhdi(paths: readonly string[]): Buffer {
  const program = [
    'import pyvhdi, sys',
    'child = None',
    'opened = []',
    'for path in sys.argv[1:]:',
    '    one = pyvhdi.file()',
    '    one.open(path)',
    '    opened.append(one)',
    'for child, parent in zip(opened, opened[1:]): child.set_parent(parent)',
    'disk = opened[0]',
    'at = 0',
    'while at < disk.get_media_size():',
    '    piece = disk.read_buffer_at_offset(min(1 << 20, disk.get_media_size() - at), at)',
    '    sys.stdout.buffer.write(piece)',
    '    at += len(piece)',
  ].join('\n');
  return execFileSync(python, ['-c', program, ...paths], { maxBuffer: 2 ** 30, stdio: ['ignore', 'pipe', 'pipe'] });
}
