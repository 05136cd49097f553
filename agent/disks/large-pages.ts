/**
 * Memory in large pages, for what a disk reads into and writes from past the system's cache.
 *
 * A piece of 4 MiB that the system put together of pages of 4 KiB lies in a thousand places of the machine's memory, and goes to the disk
 * as a list of them, several requests long; in pages of 2 MiB it lies in two or three, and is one request. On the disk of a virtual
 * machine that is twice to four times as fast (docs/decisions/0033).
 *
 * JavaScript cannot ask for such pages. The C library does for all that it hands out in large pieces, when the process was started with
 * this setting (glibc 2.35 or newer: "Memory Allocation Tunables", glibc.malloc.hugetlb); whatever else it is, it ignores it.
 */
const tunablesName = 'GLIBC_TUNABLES';
const hugetlb = 'glibc.malloc.hugetlb';
const asksForLargePages = `${hugetlb}=1`;

/** Allocations above this are never carved out of memory that was used before (mallopt(3), M_MMAP_THRESHOLD, of 64 bits). */
export const ownPieceBytesMin = 32 * 1024 * 1024;
/** Of such an allocation the library keeps this much for itself, at the beginning of a page. */
export const headOfPieceBytes = 16;

/**
 * What to add to the environment of a process that is to be started, so that it has large pages where the system gives any: nothing on
 * another system than Linux, or where the environment says something about them already.
 */
export function largePagesFor(env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  if (process.platform !== 'linux') return {};
  const given = env[tunablesName] ?? '';
  if (tunablesIn(given).some((one) => one.startsWith(`${hugetlb}=`))) return {};
  return { [tunablesName]: [...tunablesIn(given), asksForLargePages].join(':') };
}

/** Whether this process was started so. */
export const hasLargePages = (): boolean =>
  process.platform === 'linux' && tunablesIn(process.env[tunablesName] ?? '').includes(asksForLargePages);

const tunablesIn = (value: string): string[] => value.split(':').filter((one) => one !== '');
