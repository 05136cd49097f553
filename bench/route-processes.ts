import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { largePagesFor } from '../agent/disks/large-pages';
import { operationProgress, type OperationProgress } from '../contracts/operations';

/** Starts the processes of route-source.ts and route-destination.ts and speaks with them. */
export type RouteProcess = {
  readonly child: ChildProcess;
  /** The next line that is no progress. Rejects when the process ends before. */
  readonly next: <T>(schema: z.ZodType<T>) => Promise<T>;
  readonly tell: (line: unknown) => void;
  /** Ends the process as a power failure would: nothing of it runs any more. */
  readonly kill: () => Promise<void>;
  /** Ends the process by ending its input. */
  readonly stop: () => Promise<void>;
};

export const sourceReady = z.object({ port: z.int(), certificateSha256: z.string() });
export const destinationReady = z.object({ certificateSha256: z.string() });
const cpu = z.object({ user: z.number(), system: z.number() });
export const processUse = z.object({ peakRssBytes: z.number(), cpu });
export const pullEnd = processUse.extend({ outcome: z.looseObject({ ok: z.boolean() }) });

const progressLine = z.object({ progress: operationProgress });

/** `onProgress` sees what a destination says of a pull that is under way. */
export function startRouteProcess(
  entry: 'route-source' | 'route-destination' | 'staged-end',
  settings: unknown,
  onProgress: (progress: OperationProgress) => void = () => undefined,
): RouteProcess {
  const arguments_ = [join(__dirname, `${entry}.js`), JSON.stringify(settings)];
  const env = { ...process.env, ...largePagesFor(process.env) };
  const child = spawn(process.execPath, arguments_, { stdio: ['pipe', 'pipe', 'ignore'], env });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const lines: string[] = [];
  let wake: () => void = () => undefined;
  child.once('exit', () => wake());
  child.stdin.on('error', () => undefined);
  createInterface({ input: child.stdout }).on('line', (line) => {
    const seen = progressLine.safeParse(JSON.parse(line)).data;
    if (seen === undefined) {
      lines.push(line);
      wake();
    } else onProgress(seen.progress);
  });
  const next = async <T>(schema: z.ZodType<T>): Promise<T> => {
    for (;;) {
      const line = lines.shift();
      if (line !== undefined) return schema.parse(JSON.parse(line));
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${entry} ended`);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return {
    child,
    next,
    tell: (line) => void child.stdin.write(`${JSON.stringify(line)}\n`),
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
    stop: async () => {
      child.stdin.end();
      await exited;
    },
  };
}
