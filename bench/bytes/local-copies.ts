import { outputOf } from '../programs';
import { absent, type Field } from './contender';
import { runCounted } from './processor-time';

/** Copies on one machine, without a wire: the floor. */
export function localCopies(image: string): Field {
  const direct = ['bs=4M', 'oflag=direct', 'conv=fsync', 'status=none'];
  const dd = (target: string) => runCounted('dd', `if=${image}`, `of=${target}`, ...direct);
  const cp = (target: string) => runCounted('cp', '--reflink=never', image, target);
  return {
    contenders: [
      {
        name: 'cp',
        promises: 'one machine, nothing durable',
        copy: async (target) => ({ seconds: (await cp(target)).seconds }),
      },
      {
        name: 'cp and sync',
        promises: 'one machine, durable',
        copy: async (target) => {
          const copied = await cp(target);
          return { seconds: copied.seconds + (await runCounted('sync', target)).seconds };
        },
      },
      {
        name: 'dd past the cache',
        promises: 'one machine, durable in the end: what the disk takes of whoever leaves the cache alone',
        copy: async (target) => ({ seconds: (await dd(target)).seconds }),
      },
    ],
    missing: [],
    stop: async () => undefined,
  };
}

/** QEMU's own copy of an image, which knows the format but no wire. As it comes, it flushes nothing of what it wrote. */
export function qemuImg(image: string): Field {
  if (outputOf('qemu-img', '--version') === undefined) return absent('qemu-img is not installed (qemu-utils)');
  const convert =
    (...cache: readonly string[]) =>
    async (target: string) => {
      const { seconds } = await runCounted('qemu-img', 'convert', ...cache, '-f', 'vhdx', '-O', 'vhdx', image, target);
      return { seconds };
    };
  const promises = 'one machine, knows the format, nothing checked';
  return {
    contenders: [
      { name: 'qemu-img convert', promises: `${promises}, nothing durable`, copy: convert() },
      {
        name: 'qemu-img convert -t none',
        promises: `${promises}, past the cache, durable`,
        copy: convert('-t', 'none'),
      },
    ],
    missing: [],
    stop: async () => undefined,
  };
}
