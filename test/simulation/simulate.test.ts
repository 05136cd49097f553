import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';
import { projectRoot } from '../project-root';

/** What is read of the command's JSON. */
const summary = z.object({
  violations: z.array(z.object({ seed: z.int(), schedule: z.array(z.string()) })),
  fingerprint: z.string(),
});

function simulate(...words: string[]): Promise<z.infer<typeof summary>> {
  const main = join(projectRoot, 'dist', 'test', 'simulation', 'main.js');
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [main, '--json', ...words], { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const parsed = summary.safeParse(stdout === '' ? undefined : JSON.parse(stdout));
      if (parsed.success) resolve(parsed.data);
      else reject(new Error(stderr, { cause: error }));
    });
  });
}

/** A smaller number than the command is meant for, of one kind, so that the suite stays short; `npm run simulate` takes any number. */
const seeds = '40';

test(`in ${seeds} seeds of quick-storage no promise is broken`, async () => {
  const { violations } = await simulate('--seeds', seeds, '--kinds', 'quick-storage');
  expect(violations).toEqual([]);
}, 300_000);

test('a seed is the same in every process', async () => {
  const [one, other] = [await simulate('--seeds', '4', '--workers', '1'), await simulate('--seeds', '4')];
  expect(other.fingerprint).toBe(one.fingerprint);
});
