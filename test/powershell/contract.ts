import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { projectRoot } from '../project-root';

const folder = join(projectRoot, '..', 'shared', 'conformance', 'hyper-v');
export const cmdletsFile = join(folder, 'cmdlets.json');
export const standInChecker = join(folder, 'Test-StandIn.ps1');

/** The documented interface of Hyper-V; undefined where the folder is not beside the project. */
export const hasContract = existsSync(cmdletsFile);
if (!hasContract)
  process.stderr.write(
    'skipped: ../shared/conformance/hyper-v is not there; cmdlets were not compared with the documentation\n',
  );

const cmdlets = z.object({
  modules: z.record(z.string(), z.record(z.string(), z.object({ parameters: z.record(z.string(), z.unknown()) }))),
});
const wmi = z.object({
  classes: z.record(
    z.string(),
    z.object({
      superclass: z.string().nullish(),
      properties: z.array(z.object({ name: z.string() })).default([]),
      methods: z
        .record(z.string(), z.object({ parameters: z.array(z.object({ name: z.string() })).default([]) }))
        .default({}),
    }),
  ),
});

/** Parameters of each documented cmdlet. */
export function documentedCmdlets(): Map<string, ReadonlySet<string>> {
  const { modules } = cmdlets.parse(JSON.parse(readFileSync(cmdletsFile, 'utf8')));
  const all = Object.values(modules).flatMap((module) => Object.entries(module));
  return new Map(all.map(([name, { parameters }]) => [name, new Set(Object.keys(parameters))]));
}

/** Properties and methods of each documented WMI class, those of the classes above it included. */
export function documentedClasses() {
  const { classes } = wmi.parse(JSON.parse(readFileSync(join(folder, 'wmi.json'), 'utf8')));
  type Members = { properties: ReadonlySet<string>; methods: ReadonlyMap<string, ReadonlySet<string>> };
  const membersOf = (name: string): Members => {
    const found = classes[name];
    if (found === undefined) return { properties: new Set(), methods: new Map() };
    const above = found.superclass
      ? membersOf(found.superclass)
      : { properties: new Set<string>(), methods: new Map<string, ReadonlySet<string>>() };
    const own = Object.entries(found.methods).map(
      ([method, { parameters }]) => [method, new Set(parameters.map((one) => one.name))] as const,
    );
    return {
      properties: new Set([...above.properties, ...found.properties.map((one) => one.name)]),
      methods: new Map([...above.methods, ...own]),
    };
  };
  return new Map(Object.keys(classes).map((name) => [name, membersOf(name)]));
}
