import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { DirectAccess } from '../direct-access';
import { isWholePages, largePieceBytes, pageMemory } from '../page-memory';

/** Says what memory this process gets, as one line of JSON; and writes it past the cache to the file of its argument. */
export type MemorySeen = {
  readonly largePieceBytes: number | null;
  readonly beginsAtBorder: boolean;
  /** In pages of 2 MiB, of the whole process. */
  readonly inLargePagesBytes: number;
  readonly writtenPastTheCacheBytes: number;
};

function inLargePagesBytes(): number {
  const [, kib = '0'] = /^AnonHugePages: +(\d+) kB$/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8')) ?? [];
  return Number(kib) * 1024;
}

async function main(): Promise<void> {
  const memory = pageMemory(largePieceBytes() ?? 4 * 1024 * 1024).fill(7);
  const file = await open(process.argv[2] ?? '', 'w');
  const direct = new DirectAccess(file, 'writes');
  const writtenPastTheCacheBytes = await direct.transfer(memory, 0);
  await direct.close();
  await file.close();
  const seen: MemorySeen = {
    largePieceBytes: largePieceBytes() ?? null,
    beginsAtBorder: isWholePages(memory),
    inLargePagesBytes: inLargePagesBytes(),
    writtenPastTheCacheBytes,
  };
  process.stdout.write(`${JSON.stringify(seen)}\n`);
}

void main();
