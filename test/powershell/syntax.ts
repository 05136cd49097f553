import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';
import { projectRoot } from '../project-root';
import type { documentedClasses, documentedCmdlets } from './contract';
import { engine } from './engine';

const parameter = z.object({
  name: z.string(),
  literal: z.string().nullable(),
  list: z.array(z.string()),
  keys: z.array(z.string()),
});
const command = z.object({ name: z.string().nullable(), line: z.int(), parameters: z.array(parameter) });
const script = z.object({
  path: z.string(),
  errors: z.array(z.string()),
  functions: z.array(z.object({ name: z.string(), parameters: z.array(z.string()) })),
  commands: z.array(command),
});
type ScriptSyntax = z.infer<typeof script>;
type Command = z.infer<typeof command>;

/** The syntax of scripts as PowerShell itself reads them. */
export function readSyntax(paths: readonly string[]): ScriptSyntax[] {
  const reader = join(projectRoot, 'test', 'powershell', 'read-syntax.ps1');
  const quoted = [reader, '-Path', paths.join(',')].join(' ');
  const text = execFileSync(engine?.command ?? '', ['-NoProfile', '-NonInteractive', '-Command', quoted], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 ** 2,
  });
  return z.array(script).parse(JSON.parse(text));
}

/** Cmdlets of PowerShell itself that the scripts may use; all are in 5.1 too. */
const builtIn = new Set([
  'ConvertFrom-Json',
  'ConvertTo-Json',
  'ForEach-Object',
  'Get-Command',
  'Get-Module',
  'Get-TypeData',
  'Import-Module',
  'Join-Path',
  'New-Object',
  'Remove-TypeData',
  'Select-Object',
  'Set-StrictMode',
  'Sort-Object',
  'Start-Sleep',
  'Where-Object',
  'Write-Warning',
]);
/** Documented by Microsoft as well, but not part of the contract's files: what the scripts may use of them. */
export const beside: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['Get-WinEvent', new Set(['FilterHashtable', 'MaxEvents'])],
  ['Get-ChildItem', new Set(['Path'])],
  ['Get-NetFirewallProfile', new Set(['PolicyStore'])],
  ['Get-NetFirewallRule', new Set(['Name'])],
  ['Remove-NetFirewallRule', new Set(['Name'])],
  ['Set-Disk', new Set(['UniqueId', 'IsOffline', 'IsReadOnly'])],
  ['Update-HostStorageCache', new Set()],
  ['Add-PartitionAccessPath', new Set(['DiskNumber', 'PartitionNumber', 'AccessPath'])],
  ['Remove-PartitionAccessPath', new Set(['DiskNumber', 'PartitionNumber', 'AccessPath'])],
]);
/** Programs of Windows. */
const programs = new Set(['icacls.exe', 'whoami.exe']);
const common = new Set(['ErrorAction', 'WarningAction', 'Confirm']);

export type Documented = {
  readonly cmdlets: ReturnType<typeof documentedCmdlets>;
  readonly classes: ReturnType<typeof documentedClasses>;
};

/** What scripts call that the documentation of Hyper-V does not know. */
export function contradictions(scripts: readonly ScriptSyntax[], documented: Documented): string[] {
  const own = new Map(
    scripts.flatMap(({ functions }) => functions.map((one) => [one.name, new Set(one.parameters)] as const)),
  );
  return scripts.flatMap(({ path, errors, commands }) => [
    ...errors.map((error) => `${path}:${error}`),
    ...commands.flatMap((one) =>
      judge(one, own, documented).map((what) => `${path.replace(`${projectRoot}/`, '')}:${one.line}: ${what}`),
    ),
  ]);
}

function judge(one: Command, own: ReadonlyMap<string, ReadonlySet<string>>, documented: Documented): string[] {
  // `& $handler` and `. $Table` of the worker itself: what they may name is a closed table.
  if (one.name === null || one.name.endsWith('.ps1') || programs.has(one.name)) return [];
  if (one.name.includes('-Cim')) return judgeCim(one, documented.classes);
  if (one.name === 'ConvertTo-EmbeddedInstance') return judgeEmbedded(one, documented.classes);
  if (builtIn.has(one.name)) return [];
  const known = documented.cmdlets.get(one.name) ?? beside.get(one.name) ?? own.get(one.name);
  if (known === undefined) return [`${one.name} is not documented`];
  return one.parameters
    .filter(({ name }) => !known.has(name) && !common.has(name))
    .map(({ name }) => `${one.name} has no -${name}`);
}

const valuesOf = (one: Command, name: string): string[] =>
  one.parameters
    .filter((given) => given.name === name)
    .flatMap(({ literal, list }) => (literal === null ? list : [literal]));

function judgeCim(one: Command, classes: Documented['classes']): string[] {
  const [className] = valuesOf(one, 'ClassName');
  const [method] = valuesOf(one, 'MethodName');
  const given = one.parameters.find(({ name }) => name === 'Arguments')?.keys ?? [];
  if (className?.startsWith('Win32_') === true) return [];
  const members = className === undefined ? undefined : classes.get(className);
  if (className !== undefined && members === undefined) return [`${className} is not documented`];
  const wrong = valuesOf(one, 'Property')
    .filter((name) => members !== undefined && !members.properties.has(name))
    .map((name) => `${className} has no ${name}`);
  if (method === undefined) return wrong;
  const candidates = members === undefined ? [...classes.values()] : [members];
  const having = candidates.flatMap((one) => one.methods.get(method) ?? []);
  if (having.length === 0) return [...wrong, `${className ?? 'no class'} has no ${method}`];
  const unknown = given.filter((name) => !having.some((parameters) => parameters.has(name)));
  return [...wrong, ...unknown.map((name) => `${method} takes no ${name}`)];
}

/** The properties of settings that are given to a WMI method as text. */
function judgeEmbedded(one: Command, classes: Documented['classes']): string[] {
  const [className = ''] = valuesOf(one, 'ClassName');
  const members = classes.get(className);
  if (members === undefined) return [`${className} is not documented`];
  const given = one.parameters.find(({ name }) => name === 'Properties')?.keys ?? [];
  return given.filter((name) => !members.properties.has(name)).map((name) => `${className} has no ${name}`);
}
