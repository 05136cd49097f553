import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { describeThrown } from '../../contracts/failure';
import type { VersionRules } from '../engine/versions';
import { logLevelOf, type LogFilter } from './log';
import { reading, Unreadable, type Reading } from './reading';
import { timeSpanMs } from './time-span';

/** What the runtime takes from host.json and local.settings.json. */
export type Settings = {
  readonly hubName: string;
  readonly routePrefix: string;
  readonly functionTimeoutMs: number;
  readonly activitiesMax: number;
  readonly orchestratorsMax: number;
  readonly versions: VersionRules;
  readonly logFilter: LogFilter;
  readonly customHeaders: Readonly<Record<string, string>>;
  /** Environment for the app: the Values of local.settings.json, under the real environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Places of host.json that have no meaning here. */
  readonly ignored: readonly string[];
};

/** The default of every plan but Consumption. */
const functionTimeoutMsDefault = 30 * 60_000;
const timeoutMsMax = 2 ** 31 - 1;

const count = z.int().min(1).max(100_000);

/** .NET reads names of enumerations in any case. */
const anyCase = <const T extends readonly [string, ...string[]]>(names: T) =>
  z.preprocess(
    (given) => names.find((name) => name.toLowerCase() === String(given).toLowerCase()) ?? given,
    z.enum(names),
  );
const versionMatch = anyCase(['None', 'Strict', 'CurrentOrOlder']);
const versionFailure = anyCase(['Reject', 'Fail']);

const honoured = z.looseObject({
  version: z.literal('2.0').optional(),
  functionTimeout: z.string().optional(),
  logging: z.looseObject({ logLevel: z.record(z.string(), z.string()).optional() }).optional(),
  extensions: z
    .looseObject({
      http: z
        .looseObject({
          routePrefix: z.string().optional(),
          customHeaders: z.record(z.string(), z.string()).optional(),
        })
        .optional(),
      durableTask: z
        .looseObject({
          hubName: z.string().optional(),
          maxConcurrentActivityFunctions: count.optional(),
          maxConcurrentOrchestratorFunctions: count.optional(),
          defaultVersion: z.string().optional(),
          versionMatchStrategy: versionMatch.optional(),
          versionFailureStrategy: versionFailure.optional(),
        })
        .optional(),
    })
    .optional(),
});

const honouredPaths = [
  'version',
  'functionTimeout',
  'logging.logLevel.default',
  // The categories that log lines here have; others name parts of the Functions host that this runtime has not.
  'logging.logLevel.Function',
  'logging.logLevel.Host',
  'logging.logLevel.Worker',
  'extensions.http.routePrefix',
  'extensions.http.customHeaders',
  'extensions.durableTask.hubName',
  'extensions.durableTask.maxConcurrentActivityFunctions',
  'extensions.durableTask.maxConcurrentOrchestratorFunctions',
  'extensions.durableTask.defaultVersion',
  'extensions.durableTask.versionMatchStrategy',
  'extensions.durableTask.versionFailureStrategy',
];

const localSettings = z.looseObject({
  IsEncrypted: z.boolean().optional(),
  Values: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
});

/** Reads the settings of the app in `appFolder`; a reason names the file and the place. `hubName` given overrules host.json. */
export const readSettings = (
  appFolder: string,
  processEnvironment: Readonly<Record<string, string | undefined>>,
  hubName: string | undefined,
): Reading<Settings> => reading(() => readFiles(appFolder, processEnvironment, hubName));

function readFiles(
  appFolder: string,
  processEnvironment: Readonly<Record<string, string | undefined>>,
  hubName: string | undefined,
): Settings {
  const environment = readEnvironment(appFolder, processEnvironment);
  const raw = withOverrides(readJson(join(appFolder, 'host.json')) ?? {}, environment);
  const parsed = honoured.safeParse(raw);
  if (!parsed.success) throw new Unreadable(`host.json: ${z.prettifyError(parsed.error)}`);
  const { extensions, functionTimeout, logging } = parsed.data;
  const durable = extensions?.durableTask;
  const perCore = 10 * availableParallelism();
  return {
    hubName: resolved(hubName ?? durable?.hubName ?? 'TestHubName', environment),
    routePrefix: (extensions?.http?.routePrefix ?? 'api').replaceAll(/^\/+|\/+$/g, ''),
    functionTimeoutMs: readTimeout(functionTimeout),
    activitiesMax: durable?.maxConcurrentActivityFunctions ?? perCore,
    orchestratorsMax: durable?.maxConcurrentOrchestratorFunctions ?? perCore,
    versions: {
      version: durable?.defaultVersion ?? null,
      match: durable?.versionMatchStrategy ?? 'CurrentOrOlder',
      failure: durable?.versionFailureStrategy ?? 'Reject',
    },
    logFilter: logFilterOf(logging?.logLevel ?? {}),
    customHeaders: extensions?.http?.customHeaders ?? {},
    environment,
    ignored: leafPaths(raw, '').filter(
      (path) => !honouredPaths.some((known) => path === known || path.startsWith(`${known}.`)),
    ),
  };
}

/** Puts settings in the place of `%NAME%`; an unknown name stays as it is. */
export function resolved(text: string, environment: Readonly<Record<string, string>>): string {
  return text.replaceAll(/%([^%]+)%/g, (whole, name: string) => environment[name] ?? whole);
}

function logFilterOf({
  default: levelMin = 'information',
  ...categories
}: Readonly<Record<string, string>>): LogFilter {
  const byCategory = Object.entries(categories).map(([name, level]) => [name, logLevelOf(level)] as const);
  return { levelMin: logLevelOf(levelMin), byCategory: Object.fromEntries(byCategory) };
}

function readTimeout(text: string | undefined): number {
  if (text === undefined) return functionTimeoutMsDefault;
  if (text === '-1') return timeoutMsMax;
  const ms = timeSpanMs(text);
  if (ms === undefined || ms < 1000) throw new Unreadable(`host.json: functionTimeout: "${text}" is no time span`);
  return Math.min(ms, timeoutMsMax);
}

function readEnvironment(
  appFolder: string,
  processEnvironment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const parsed = localSettings.safeParse(readJson(join(appFolder, 'local.settings.json')) ?? {});
  if (!parsed.success) throw new Unreadable(`local.settings.json: ${z.prettifyError(parsed.error)}`);
  if (parsed.data.IsEncrypted === true) {
    throw new Unreadable('local.settings.json is encrypted; run "func settings decrypt" first');
  }
  const local = Object.entries(parsed.data.Values ?? {}).map(([name, value]) => [name, String(value)]);
  const real = Object.entries(processEnvironment).filter(([, value]) => value !== undefined);
  return z.record(z.string(), z.string()).parse({ ...Object.fromEntries(local), ...Object.fromEntries(real) });
}

function readJson(path: string): unknown {
  if (!existsSync(path)) return undefined;
  try {
    // Editors on Windows put a byte order mark in front.
    return JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''));
  } catch (thrown) {
    throw new Unreadable(`cannot read ${path}: ${describeThrown(thrown)}`, { cause: thrown });
  }
}

const overridePrefix = 'AzureFunctionsJobHost__';

/** App settings named AzureFunctionsJobHost__a__b overrule a.b of host.json, as in Azure. */
function withOverrides(raw: unknown, environment: Readonly<Record<string, string>>): unknown {
  const root: Record<string, unknown> = { ...z.record(z.string(), z.unknown()).parse(raw) };
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith(overridePrefix)) continue;
    const path = name.slice(overridePrefix.length).split('__');
    const last = path.pop();
    if (last === undefined || path.includes('__proto__')) continue;
    let place = root;
    for (const part of path) {
      const next = z.record(z.string(), z.unknown()).safeParse(place[part]);
      const copy = next.success ? { ...next.data } : {};
      place[part] = copy;
      place = copy;
    }
    place[last] = scalar(value);
  }
  return root;
}

function scalar(text: string): unknown {
  if (/^-?\d+$/.test(text) && text !== '-1') return Number(text);
  if (/^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  return text;
}

function leafPaths(value: unknown, path: string): string[] {
  const object = z.record(z.string(), z.unknown()).safeParse(value);
  if (!object.success) return [path];
  return Object.entries(object.data).flatMap(([name, child]) =>
    leafPaths(child, path === '' ? name : `${path}.${name}`),
  );
}
