import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { describeThrown } from '../../../contracts/failure';
import { engine } from '../../powershell/engine';
import { describeWorkersSoak } from './describe';
import { kindsOfRound } from './runs';
import { soakWorkers } from './soak';

const usage = `npm run soak:workers -- --kills N [--seed S] [--kinds KIND,KIND] [--json FILE]
  --kills  how many PowerShell workers are killed in the middle of what they do, in as many migrations as that takes
  --seed   of the moments; by default the time
  --kinds  by default ${kindsOfRound.join(',')}; import needs an export before it
  --json   writes every run and kill to a file, too
Needs a PowerShell engine, on the PATH or named by HYPERFERRY_PWSH; Hyper-V is the stand-in over simulated hosts.`;

const options = z.strictObject({
  kills: z.coerce.number().int().min(1).max(100_000),
  seed: z.coerce
    .number()
    .int()
    .default(() => Date.now() % 2 ** 31),
  kinds: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(kindsOfRound)).min(1))
    .default([...kindsOfRound]),
  json: z.string().optional(),
});

function parsedOptions(): z.infer<typeof options> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { kills: text, seed: text, kinds: text, json: text } });
  const parsed = options.safeParse(values);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`--${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is wrong'}\n\n${usage}`);
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** 0: every run ended well. */
async function main(): Promise<number> {
  const { kills, seed, kinds, json } = parsedOptions();
  if (engine === undefined) throw new Error(`there is no PowerShell here\n\n${usage}`);
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  const result = await soakWorkers({ kills, seed, kinds, say, signal: interrupted.signal });
  process.stdout.write(`${describeWorkersSoak(result)}\n`);
  if (json !== undefined) await writeFile(json, `${JSON.stringify(result, null, 2)}\n`);
  return result.wrong.length === 0 ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (thrown: unknown) => {
    say(describeThrown(thrown));
    process.exit(1);
  },
);
