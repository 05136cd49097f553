import { spawn, type ChildProcess } from 'node:child_process';
import { end, outputOf, run } from '../programs';
import { absent, type Field } from './contender';
import { answers, freePort } from './ports';
import { runCounted } from './processor-time';

const serve = async (file: string, ...options: readonly string[]): Promise<{ url: string; child: ChildProcess }> => {
  const port = await freePort();
  const args = ['-f', 'vhdx', '-b', '127.0.0.1', '-p', String(port), '-t', ...options, file];
  const child = spawn('qemu-nbd', args, { stdio: 'ignore' });
  await answers(port, 'qemu-nbd');
  return { url: `nbd://127.0.0.1:${port}`, child };
};

/** `nbdcopy` from one `qemu-nbd` to another: knows the format, copies what is allocated, checks nothing. Flushed in the end. */
export function nbdCopy(image: string, sizeBytes: number): Field {
  if (outputOf('nbdcopy', '--version') === undefined) return absent('nbdcopy is not installed (libnbd-bin)');
  if (outputOf('qemu-nbd', '--version') === undefined) return absent('qemu-nbd is not installed (qemu-utils)');
  const copy = async (target: string) => {
    await run('qemu-img', 'create', '-q', '-f', 'vhdx', target, String(sizeBytes));
    const [source, destination] = [await serve(image, '-r'), await serve(target)];
    try {
      const { seconds } = await runCounted('nbdcopy', '--flush', source.url, destination.url);
      return { seconds };
    } finally {
      await end(destination.child);
      await end(source.child);
    }
  };
  const promises = 'plain, knows the format, nothing checked, durable';
  return { contenders: [{ name: 'nbdcopy', promises, copy }], missing: [], stop: async () => undefined };
}
