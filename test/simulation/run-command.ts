import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';
import { projectRoot } from '../project-root';

/** What is read of the command's JSON. */
const summary = z.object({
  violations: z.array(
    z.object({ seed: z.int(), violations: z.array(z.object({ oracle: z.string() })), schedule: z.array(z.string()) }),
  ),
  marks: z.record(z.string(), z.int()),
  marksMissing: z.array(z.string()),
  fingerprint: z.string(),
  foretold: z.object({ runs: z.int(), isGoodEnough: z.boolean() }).optional(),
});
export type Simulated = z.infer<typeof summary> & { readonly exitCode: number };

const main = join(projectRoot, 'dist', 'test', 'simulation', 'main.js');

/** `npm run simulate -- --json WORDS`, of what is built. */
export function simulate(...words: string[]): Promise<Simulated> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [main, '--json', ...words], { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const parsed = summary.safeParse(stdout === '' ? undefined : JSON.parse(stdout));
      if (parsed.success) resolve({ ...parsed.data, exitCode: typeof error?.code === 'number' ? error.code : 0 });
      else reject(new Error(stderr, { cause: error }));
    });
  });
}

/** What `npm run simulate -- --mutants WORDS` says, line by line. */
export function simulateMutants(...words: string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [main, '--mutants', ...words], (error, stdout, stderr) => {
      if (stdout === '') reject(new Error(stderr, { cause: error }));
      else resolve(stdout.split('\n'));
    });
  });
}
