import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { describeThrown } from '../contracts/failure';
import { benchBytes } from './bytes';
import { describeBytes } from './bytes/describe';
import { conditionsOf } from './conditions';
import { benchDisks } from './disks';
import { describeDisks } from './disks/describe';
import { benchLines } from './lines';
import { describeLines } from './lines/describe';
import { benchRuntime, describeRuntime } from './runtime';
import { benchStaged } from './staged';
import { describeStaged } from './staged/describe';

const stagedDiskBytes = 256 * 1024 * 1024;

const usage = `npm run bench -- [--only PART] [--json FILE] [--rounds N] [--mib N] [--folder FOLDER]
  --only    one part instead of all: bytes (the byte route against cp, rsync, nbdcopy and qemu-img),
            lines (one to eight streams on a line that gives each a share),
            disks (huge disks, long chains, deltas, kills), staged (disks with one base image through Blob Storage),
            runtime (the embedded runtime)
  --json    writes the numbers with their conditions to a file, too
  --rounds  bytes, lines: how often each copy is made, 5 by default
  --mib     bytes: how much data the disk holds, 2048 by default
  --folder  where copies and state are made, by default the folder for temporary files`;

const options = z.strictObject({
  only: z.enum(['bytes', 'lines', 'disks', 'staged', 'runtime']).optional(),
  json: z.string().optional(),
  rounds: z.coerce.number().int().min(1).max(100).default(5),
  mib: z.coerce.number().int().min(4).max(65_536).multipleOf(4).default(2048),
  folder: z.string().default(tmpdir()),
});

function parsedOptions(): z.infer<typeof options> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { only: text, json: text, rounds: text, mib: text, folder: text } });
  const parsed = options.safeParse(values);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`--${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is wrong'}`);
}

async function main(): Promise<void> {
  const { only, json, rounds, mib, folder: parent } = parsedOptions();
  const folder = await mkdtemp(join(parent, 'hyperferry-bench-'));
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => reject(new Error(`ended by ${signal}`)));
  });
  try {
    const conditions = await conditionsOf(folder);
    for (const [name, value] of Object.entries(conditions)) console.log(`${name}: ${value}`);
    const say = (line: string): void => console.error(line);
    const part = async <T>(name: typeof only, run: () => Promise<T>, describe: (result: T) => string) => {
      if (only !== undefined && only !== name) return undefined;
      const result = await Promise.race([run(), interrupted]);
      console.log(`\n${describe(result)}`);
      return result;
    };
    const bytes = await part(
      'bytes',
      () => benchBytes({ folder, dataBytes: mib * 1024 * 1024, repetitions: rounds, say }),
      describeBytes,
    );
    const lines = await part('lines', () => benchLines(folder, rounds, say), describeLines);
    const disks = await part('disks', () => benchDisks(folder, say), describeDisks);
    const staged = await part('staged', () => benchStaged(folder, stagedDiskBytes, say), describeStaged);
    const runtime = await part('runtime', () => benchRuntime(folder, say), describeRuntime);
    if (json !== undefined)
      await writeFile(json, `${JSON.stringify({ conditions, bytes, lines, disks, staged, runtime }, null, 2)}\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

main().then(
  () => process.exit(0),
  (thrown: unknown) => {
    console.error(`${describeThrown(thrown)}\n\n${usage}`);
    process.exit(1);
  },
);
