import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { mib } from '../../../agent/disks/route/testing/hosts';
import { conditionsOf } from '../../../bench/conditions';
import { describeThrown } from '../../../contracts/failure';
import { routes } from '../../../contracts/migration';
import { describeSoak } from './describe';
import { soakBytes } from './soak';
import { describeStagedSoak, soakStaged } from './soak-staged';

const usage = `npm run soak:bytes -- --kills N [--route direct|staged] [--seed S] [--mib N] [--json FILE] [--folder FOLDER]
  --kills   how many processes are killed with kill -9, sources and destinations, in as many copies as that takes
  --route   direct by default; over the staged route Azurite is killed as well
  --seed    of disks and moments; by default the time
  --mib     how much data each disk holds at least, 96 by default
  --json    writes every copy and kill to a file, too
  --folder  where disks are made, by default the folder for temporary files`;

const options = z.strictObject({
  kills: z.coerce.number().int().min(1).max(100_000),
  route: z.enum(routes).default('direct'),
  seed: z.coerce
    .number()
    .int()
    .default(() => Date.now() % 2 ** 31),
  mib: z.coerce.number().int().min(4).max(65_536).default(96),
  json: z.string().optional(),
  folder: z.string().default(tmpdir()),
});

function parsedOptions(): z.infer<typeof options> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { kills: text, route: text, seed: text, mib: text, json: text, folder: text },
  });
  const parsed = options.safeParse(values);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`--${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is wrong'}\n\n${usage}`);
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function told<T>(soak: Promise<T>, describe: (result: T) => string): Promise<T> {
  const result = await soak;
  process.stdout.write(`${describe(result)}\n`);
  return result;
}

/** 0: every copy was right and no kill cost more than it may. */
async function main(): Promise<number> {
  const { kills, route, seed, mib: dataMib, json, folder: parent } = parsedOptions();
  const folder = await mkdtemp(join(parent, 'hyperferry-soak-'));
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => reject(new Error(`ended by ${signal}`)));
  });
  try {
    const conditions = await conditionsOf(folder);

    const options = { folder, kills, seed, dataBytes: dataMib * mib, say };
    const soak =
      route === 'staged' ? told(soakStaged(options), describeStagedSoak) : told(soakBytes(options), describeSoak);
    const result = await Promise.race([soak, interrupted]);
    if (json !== undefined) await writeFile(json, `${JSON.stringify({ conditions, ...result }, null, 2)}\n`);
    return result.wrong.length === 0 ? 0 : 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

main().then(
  (code) => process.exit(code),
  (thrown: unknown) => {
    say(describeThrown(thrown));
    process.exit(1);
  },
);
