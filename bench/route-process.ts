import { createInterface, type Interface } from 'node:readline';
import type { z } from 'zod';

/** What both processes of a measured or tested transfer have in common: settings as the one argument, JSON lines in and out. */
export function settingsOf<T>(schema: z.ZodType<T>): T {
  return schema.parse(JSON.parse(process.argv[2] ?? '{}'));
}

export const say = (line: unknown): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

/** Lines of standard input; the process ends when whoever started it is gone. */
export function linesIn(): Interface {
  const lines = createInterface({ input: process.stdin });
  lines.on('close', () => process.exit(0));
  return lines;
}

/** The most memory that this process ever had, in bytes (getrusage counts in KiB). */
export const peakRssBytes = (): number => process.resourceUsage().maxRSS * 1024;
