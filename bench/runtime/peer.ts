import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { Measured } from './measure';

const span = z.object({ seconds: z.number().positive(), cpuSeconds: z.number() });
const results = z.object({
  chainLength: z.int(),
  fanCount: z.int(),
  chained: span,
  fanned: span,
  isFullSync: z.boolean(),
});

/** What the peer did, or why it could not. */
export type PeerResult =
  | { readonly kind: 'measured'; readonly isFullSync: boolean; readonly measured: readonly Measured[] }
  | { readonly kind: 'missing'; readonly reason: string };

const msMax = 600_000;

/**
 * OpenWorkflow on SQLite: durable steps of TypeScript functions on one machine, as here; but it runs in the app's own process, and
 * keeps a running workflow in memory instead of replaying it.
 */
export async function measurePeer(folder: string): Promise<PeerResult> {
  try {
    require.resolve('openworkflow/package.json');
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_PACKAGE_PATH_NOT_EXPORTED')) {
      return { kind: 'missing', reason: 'OpenWorkflow is not installed: npm install --no-save openworkflow' };
    }
  }
  const program = join(__dirname, 'peer-process.js');
  const ran = await promisify(execFile)(process.execPath, ['--no-warnings', program, folder], { timeout: msMax });
  const { chainLength, fanCount, chained, fanned, isFullSync } = results.parse(JSON.parse(ran.stdout));
  const line = (name: string, count: number, { seconds, cpuSeconds }: z.infer<typeof span>): Measured => ({
    name,
    unit: 'steps',
    count,
    seconds,
    perSecond: count / seconds,
    cpuSeconds,
  });
  const measured = [
    line(`chain of ${chainLength}`, chainLength, chained),
    line('100 fan-outs of 100', fanCount, fanned),
  ];
  return { kind: 'measured', isFullSync, measured };
}
