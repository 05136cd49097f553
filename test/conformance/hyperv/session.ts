import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, stat, statfs } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import type { Engine } from '../../../agent/hyperv/powershell/worker/engine';
import type { Options } from './options';
import { runCases } from './run-cases';
import { runScript } from './scripts';
import type { Verdicts } from './report';
import { emptyDiskBytes, sessionPrefix, settingsVariable, type RealHostSettings } from './settings';

const mib = 1024 ** 2;
/** Copies of a disk, or of memory, that one case has at a time. */
const copiesMax = 4;

export type Person = {
  readonly say: (line: string) => void;
  /** Whether they agree. */
  readonly agrees: (question: string) => Promise<boolean>;
};
export type SessionEnd = { readonly verdicts: Verdicts; readonly left: readonly string[] } | 'not wanted';

type Wanted = Options & { readonly folder: string };

/** Says what it will make, asks, runs the cases on the Hyper-V of this machine, and removes everything. Throws what stands in the way before. */
export async function runOnThisHost(
  engine: Engine,
  options: Wanted,
  person: Person,
  signal: AbortSignal,
): Promise<SessionEnd> {
  const settings = settingsOf(options);
  const before = await lookBefore(engine, options, settings);
  for (const line of planLines(before.hostName, settings)) person.say(line);
  if (!(options.yes || (await person.agrees('Go on?')))) return 'not wanted';
  await mkdir(settings.folder);
  let verdicts: Verdicts;
  try {
    const env = { [settingsVariable]: JSON.stringify(settings) };
    verdicts = await runCases({ file: 'hyperv/cases.js', only: options.only, env, signal });
  } finally {
    await removeSession(engine, settings.folder);
  }
  const after = await runScript(engine, 'look', { Folder: settings.folder, SwitchName: '' });
  const planned = after.plannedVms.filter((id) => !before.plannedVms.includes(id));
  const left = [...after.vms.map(({ name }) => `the VM ${name}`), ...planned.map((id) => `the planned VM ${id}`)];
  return { verdicts, left };
}

/** Removes what sessions left that were killed. Answers the folders that are gone, or that nobody wanted it. */
export async function cleanSessions(
  engine: Engine,
  options: Wanted,
  person: Person,
): Promise<readonly string[] | 'not wanted'> {
  const folders = await sessionsIn(options.folder);
  if (folders.length === 0) return [];
  person.say('This removes, with every VM whose configuration lies in them:');
  for (const folder of folders) {
    const { vms } = await runScript(engine, 'look', { Folder: folder, SwitchName: '' });
    person.say(`  ${folder}${vms.map(({ name }) => `\n    the VM ${name}`).join('')}`);
  }
  if (!(options.yes || (await person.agrees('Go on?')))) return 'not wanted';
  for (const folder of folders) await removeSession(engine, folder);
  return folders;
}

function settingsOf(options: Wanted): RealHostSettings {
  return {
    folder: join(options.folder, `${sessionPrefix}${randomBytes(4).toString('hex')}`),
    switchName: options.switch ?? null,
    diskPath: options.disk ?? null,
    generation: options.generation,
    memoryBytes: options['memory-mib'] * mib,
  };
}

async function lookBefore(engine: Engine, options: Wanted, settings: RealHostSettings) {
  const { folder, disk } = options;
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory() !== true) throw new Error(`--folder: ${folder} is no folder of this machine; make it first`);
  const diskBytes = disk === undefined ? emptyDiskBytes : await diskBytesOf(disk);
  const { bavail, bsize } = await statfs(folder);
  const neededBytes = copiesMax * (diskBytes + settings.memoryBytes);
  if (bavail * bsize < neededBytes)
    throw new Error(`--folder: ${folder} has ${mibOf(bavail * bsize)} free, and ${mibOf(neededBytes)} are needed`);
  const left = await sessionsIn(folder);
  if (left.length > 0)
    throw new Error(
      `--folder: an earlier session left ${left.join(', ')}; remove it with --clean --folder "${folder}" first`,
    );
  const looked = await runScript(engine, 'look', { Folder: settings.folder, SwitchName: options.switch ?? '' });
  if (!looked.hasSwitch)
    throw new Error(`--switch: there is no switch "${options.switch ?? ''}"; there are: ${looked.switches.join(', ')}`);
  return looked;
}

async function diskBytesOf(disk: string): Promise<number> {
  if (extname(disk).toLowerCase() !== '.vhdx') throw new Error(`--disk: ${disk} is no VHDX by its name`);
  const found = await stat(disk).catch(() => undefined);
  if (found?.isFile() !== true) throw new Error(`--disk: ${disk} is not there`);
  return found.size;
}

const mibOf = (bytes: number): string => `${Math.floor(bytes / mib)} MiB`;

const planLines = (hostName: string, settings: RealHostSettings): string[] => [
  `On ${hostName} this makes and removes, one after another:`,
  `  VMs named ${basename(settings.folder)}-N of generation ${settings.generation} with ${mibOf(settings.memoryBytes)} of memory, which are started,`,
  `  connected to ${settings.switchName === null ? 'no switch' : `the switch "${settings.switchName}"`}, with ${
    settings.diskPath === null ? `an empty disk of ${mibOf(emptyDiskBytes)}` : `a copy of ${settings.diskPath}`
  };`,
  '  VM checkpoints, saved states, exports, placeholders and copies of these VMs, and rules on their files that keep a VM out.',
  `Everything lies below ${settings.folder}, which is removed at the end. No other VM, disk or setting is changed.`,
];

async function sessionsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names.filter((name) => name.startsWith(sessionPrefix)).map((name) => join(folder, name));
}

async function removeSession(engine: Engine, folder: string): Promise<void> {
  await runScript(engine, 'remove-vms', { Folder: folder });
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
}
