import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { largePagesFor } from './large-pages';
import type { MemorySeen } from './testing/large-pages-child';

const folder = mkdtempSync(join(tmpdir(), 'hyperferry-pages-'));
afterAll(() => rmSync(folder, { recursive: true }));

const onLinux = process.platform === 'linux' ? test : test.skip;
const mib = 1024 * 1024;

onLinux('a process is asked to have large pages, beside what its environment asks of the C library already', () => {
  expect(largePagesFor({})).toEqual({ GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' });
  expect(largePagesFor({ GLIBC_TUNABLES: 'glibc.malloc.perturb=1:' })).toEqual({
    GLIBC_TUNABLES: 'glibc.malloc.perturb=1:glibc.malloc.hugetlb=1',
  });
  expect(largePagesFor({ GLIBC_TUNABLES: 'glibc.malloc.hugetlb=0' })).toEqual({});
});

/** What a process of its own sees in this environment. */
function seenWith(env: NodeJS.ProcessEnv): MemorySeen {
  const { GLIBC_TUNABLES: _, ...without } = process.env;
  const child = join(__dirname, 'testing', 'large-pages-child.js');
  const line = execFileSync(process.execPath, [child, join(folder, 'written')], { env: { ...without, ...env } });
  return JSON.parse(String(line)) as MemorySeen;
}

/** As the file system takes it at all: the one of temporary files may live in memory. */
const wholeOrNothing = (bytes: number): number => (seenWith({}).writtenPastTheCacheBytes > 0 ? bytes : 0);

/** Of the C library and of the system; without either the memory is as it was before. */
function givesLargePages(): boolean {
  const mode = '/sys/kernel/mm/transparent_hugepage/enabled';
  const [library, system] = [libraryVersion(), existsSync(mode) ? readFileSync(mode, 'utf8') : '[never]'];
  const isThere = Number(library.split('.')[1]) >= 35 && !system.includes('[never]');
  if (!isThere) process.stderr.write(`skipped: no large pages here (glibc ${library}, ${mode}: ${system.trim()})\n`);
  return isThere;
}

function libraryVersion(): string {
  const { header } = process.report.getReport() as { readonly header: { readonly glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime ?? 'none';
}

onLinux(
  'page memory of a process that asked for large pages comes in them, begins at a border, and is written past the cache',
  () => {
    if (!givesLargePages()) return;
    const seen = seenWith(largePagesFor({}));
    expect(seen).toMatchObject({ beginsAtBorder: true, largePieceBytes: 32 * mib });
    expect(seen.writtenPastTheCacheBytes).toBe(wholeOrNothing(32 * mib));
    expect(seen.inLargePagesBytes).toBeGreaterThanOrEqual(24 * mib);
  },
);

onLinux('where the C library does not put such memory at a border, it comes from elsewhere, and begins at one', () => {
  // Told to carve even long pieces out of what it has, it puts them anywhere.
  const seen = seenWith({ GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1073741824' });
  expect(seen).toMatchObject({ beginsAtBorder: true, largePieceBytes: 32 * mib });
  expect(seen.writtenPastTheCacheBytes).toBe(wholeOrNothing(32 * mib));
});

onLinux('a process that did not ask has page memory all the same, in short pieces', () => {
  expect(seenWith({})).toMatchObject({ beginsAtBorder: true, largePieceBytes: null });
});
