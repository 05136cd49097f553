import type { Command } from 'commander';
import { dirname, extname, resolve } from 'node:path';
import { z } from 'zod';
import type { Context, Result } from '../../context';
import { bad, good } from '../../context';
import { badInput } from '../../failure';
import { parseBytes } from '../../parse';

/** Options of every disk command. */
export const diskOptions = z.object({
  json: z.boolean().default(false),
  root: z.array(z.string().min(1)).default([]),
  raw: z.boolean().default(false),
});
export type DiskOptions = z.infer<typeof diskOptions>;

const collect = (value: string, before: string[] = []): string[] => [...before, value];

/** A command that reads a disk file: with `--root`, `--raw` and `--json`. */
export function diskCommand(parent: Command, nameAndArguments: string, description: string): Command {
  return parent
    .command(nameAndArguments)
    .description(description)
    .option(
      '--root <folder>',
      'folder below which the files of a chain may be, again and again (default: the folder of FILE)',
      collect,
    )
    .option('--raw', 'a file whose name does not say what it is holds a raw image')
    .option('--json', 'print JSON instead of text');
}

/** Folders in which files of a chain may be opened: those that were named, or the one of each file. */
export const rootsOf = ({ root }: DiskOptions, ...paths: readonly string[]): string[] =>
  root.length > 0 ? root.map((folder) => resolve(folder)) : paths.map((path) => dirname(resolve(path)));

const rawExtensions = ['.raw', '.img'];

export const isRawName = (path: string): boolean => rawExtensions.includes(extname(path).toLowerCase());

/** A size of the command line, such as `64GiB`. */
export function sizeOf(text: string, field: string): Result<number> {
  const bytes = parseBytes(text);
  if (bytes !== undefined && bytes > 0) return good(bytes);
  const remedy = 'Write a number with a unit, such as 64GiB or 1.5TiB, or plain bytes.';
  return bad(badInput('the size is wrong', { field, value: text, remedy }));
}

/** GUIDs from the random bytes of the context (RFC 9562, version 4). */
export function guidSource(context: Context): () => string {
  return () => {
    const bytes = Buffer.from(context.randomBytes(16));
    bytes.writeUInt8(((bytes[6] ?? 0) & 0x0f) | 0x40, 6);
    bytes.writeUInt8(((bytes[8] ?? 0) & 0x3f) | 0x80, 8);
    return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/u, '$1-$2-$3-$4-$5');
  };
}
