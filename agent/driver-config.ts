import { isAbsolute, normalize, resolve } from 'node:path';
import { z } from 'zod';
import { isAtOrBelow } from './hyperv/paths';

const text = z.string().min(1, 'name it; it must not be empty');

/** A share has no volume of this host whose room could be promised. */
const isShare = (path: string): boolean => /^[\\/]{2}/.test(path);

const root = text
  .max(1024, 'use a path of at most 1024 characters')
  .refine((path) => !isShare(path), 'use a folder on a volume of this host; VMs on a share are not supported yet')
  .refine((path) => isAbsolute(path), 'use an absolute path, such as D:\\VMs')
  .transform((path) => normalize(path).replace(/(?<=[^\\/:])[\\/]+$/, ''));

const areApart = (roots: readonly string[]): boolean =>
  roots.every((one, at) => roots.every((other, index) => at === index || !isAtOrBelow(one, other)));

const simulated = z.strictObject({
  type: z.literal('simulated'),
  /** The folder of the simulated host. */
  folder: text,
});

const powershell = z.strictObject({
  type: z.literal('powershell'),
  /** Folders of this host below which VMs may be placed. Room is promised for each by itself, so none lies in another. */
  roots: z
    .array(root)
    .min(1, 'name a folder at least below which VMs may be placed')
    .max(64, 'name 64 folders at most')
    .refine(areApart, 'name folders of which none is or lies in another'),
  /** The PowerShell to use. By default Windows PowerShell 5.1, else `pwsh` on the PATH. */
  engine: text.optional(),
  /** Whether the agent makes the rule of the firewall for its byte route when it starts, and removes it when it ends. */
  firewallRule: z.boolean().default(true),
  /** How much is kept of what was asked of Hyper-V and what it answered (secrets removed), in bytes; 0 keeps nothing. Twice as much at times. */
  transcriptBytesMax: z
    .int()
    .min(0)
    .max(1024 ** 3)
    .default(16 * 1024 ** 2),
});

/** Which Hyper-V the agent drives. */
export const driverConfig = z.discriminatedUnion('type', [simulated, powershell]);
export type DriverConfig = z.infer<typeof driverConfig>;

/** The same with relative paths taken from `folder`. */
export const driverFrom = (folder: string, driver: DriverConfig): DriverConfig =>
  driver.type === 'simulated' ? { ...driver, folder: resolve(folder, driver.folder) } : driver;
