import { isAbsolute } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';

export const usage = `npm run conformance:hyperv -- [--host simulated|stand-in|this]... [--json]
npm run conformance:hyperv -- --host this --folder PATH [--switch NAME] [--disk PATH] [--generation 1|2] [--memory-mib N] [--yes] [--json] [--only TEXT]
npm run conformance:hyperv -- --clean --folder PATH [--yes]

Holds drivers to what every Hyper-V driver of hyperferry must do, and prints a table with a column a host. Exit code 0: no case failed and
nothing was left; 1: one did; 2: nothing was run.

  --host        simulated   a simulated host (default, together with stand-in where there is a PowerShell)
                stand-in    the PowerShell driver over a stand-in for Hyper-V; needs PowerShell 7
                this        the PowerShell driver and the Hyper-V of this machine: a test machine, please
  --folder      where VMs are made on this machine: an absolute path; the folder is there
  --switch      the virtual switch that the VMs are connected to; none by default
  --disk        a VHDX with a guest whose integration services answer (a small Linux does); it is copied for each VM and never changed.
                Without it the VMs hold an empty disk, and every case is left out that waits for a guest
  --generation  of the VMs, 2 by default
  --memory-mib  of each VM, 512 by default; one runs at a time
  --only        the cases alone whose name has this text, or matches it as a regular expression
  --yes         does not ask before it begins
  --clean       removes what a session left that was killed, and runs nothing
  --json        prints the result as one JSON document`;

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

const options = z
  .strictObject({
    host: z
      .array(z.enum(['simulated', 'stand-in', 'this']))
      .min(1)
      .optional(),
    folder: z.string().refine(isAbsolute, 'is an absolute path').optional(),
    switch: z.string().min(1).max(256).optional(),
    disk: z.string().refine(isAbsolute, 'is an absolute path').optional(),
    generation: z.enum(['1', '2']).default('2'),
    'memory-mib': z.coerce.number().int().min(32).max(65_536).default(512),
    only: z.string().refine(isPattern, 'is a text or a regular expression').optional(),
    yes: z.boolean().default(false),
    clean: z.boolean().default(false),
    json: z.boolean().default(false),
    help: z.boolean().default(false),
  })
  .refine(({ host, clean, folder }) => folder !== undefined || !(clean || host?.includes('this') === true), {
    path: ['folder'],
    error: 'is needed: the folder on this machine below which VMs are made',
  });
export type Options = z.infer<typeof options>;

/** Throws what is wrong, naming the option, with the usage. */
export function parsedOptions(args: readonly string[]): Options {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      host: { type: 'string', multiple: true },
      folder: text,
      switch: text,
      disk: text,
      generation: text,
      'memory-mib': text,
      only: text,
      yes: flag,
      clean: flag,
      json: flag,
      help: flag,
    },
  });
  const parsed = options.safeParse(values);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`--${String(issue?.path[0] ?? '')}: ${issue?.message ?? 'is wrong'}\n\n${usage}`);
}
