import { join, resolve } from 'node:path';
import { describeThrown } from '../../contracts/failure';
import type { WireFunction } from '../worker/messages';
import { StateUnusable } from '../store/database';
import { appProblem } from './app-folder';
import { readRuntimeEnvironment, type RuntimeEnvironment } from './environment';
import { ignoredRetries, unsupportedBindings, unsupportedText, type Unsupported } from './bindings';
import { AppNotLoaded, PortNotFree, RuntimeHost } from './host';
import { Log, type LogFormat } from './log';
import { readSettings, type Settings } from './settings';

export type LaunchOptions = {
  readonly appFolder: string;
  /** Default: `.hyperferry/runtime` in the app's folder. */
  readonly stateFolder?: string | undefined;
  /** 0 takes any that is free. */
  readonly port: number;
  readonly hubName?: string | undefined;
  readonly auth: 'on' | 'off';
  readonly logFormat: LogFormat;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Told why, when the host cannot go on after it was launched: the state turned out damaged. */
  readonly onBroken: (reason: string) => void;
};

/** Why a host does not run, with what to do about it. */
export type LaunchFailure = {
  readonly code: 'appUnusable' | 'settingsUnreadable' | 'stateUnusable' | 'portTaken' | 'appNotLoaded';
  readonly message: string;
  readonly remedy: string;
};

export type LaunchedHost = {
  readonly port: number;
  readonly hubName: string;
  readonly routePrefix: string;
  readonly stateFolder: string;
  readonly functions: readonly WireFunction[];
  readonly unsupported: readonly Unsupported[];
  /** Lets what runs finish for a while, then ends the worker and closes the state. */
  readonly stop: () => Promise<void>;
};

export type Launched =
  | { readonly kind: 'running'; readonly host: LaunchedHost }
  | { readonly kind: 'failed'; readonly failure: LaunchFailure };

const stateFolderBelowApp = ['.hyperferry', 'runtime'];

/** Starts the runtime of an app in this process and says what of the app it does not serve. Only bugs reject. */
export async function launch(options: LaunchOptions): Promise<Launched> {
  const appFolder = resolve(options.appFolder);
  const unusable = appProblem(appFolder);
  if (unusable !== undefined) return failed({ code: 'appUnusable', ...unusable });
  const read = readSettings(appFolder, options.environment, options.hubName);
  if (read.kind === 'unreadable') return failed(unreadableSettings(read.reason));
  // Settings of the runtime may stand in local.settings.json too.
  const own = readRuntimeEnvironment(read.value.environment);
  if (own.kind === 'unreadable') return failed(unreadableSettings(own.reason));
  const stateFolder = resolve(options.stateFolder ?? join(appFolder, ...stateFolderBelowApp));
  return launchWith({ ...options, appFolder, stateFolder }, read.value, own.value);
}

const failed = (failure: LaunchFailure): Launched => ({ kind: 'failed', failure });

const unreadableSettings = (message: string): LaunchFailure => ({
  code: 'settingsUnreadable',
  message,
  remedy: 'Mend host.json, local.settings.json, or the environment that overrules them.',
});

async function launchWith(
  options: LaunchOptions & { readonly stateFolder: string },
  settings: Settings,
  own: RuntimeEnvironment,
): Promise<Launched> {
  const { port, auth, appFolder, stateFolder, logFormat, onBroken } = options;
  const log = new Log(settings.logFilter, { format: logFormat });
  if (settings.ignored.length > 0) {
    log.warn(`host.json: without meaning here and ignored: ${settings.ignored.join(', ')}.`);
  }
  let host: RuntimeHost | undefined;
  try {
    host = new RuntimeHost({ appFolder, stateFolder, port, settings, auth, log, ...own }, onBroken);
    const started = await host.start();
    return { kind: 'running', host: launchedHost(host, started, stateFolder, settings, log) };
  } catch (thrown) {
    await host?.stop();
    return failed(failureOf(thrown));
  }
}

function launchedHost(
  host: RuntimeHost,
  started: { readonly port: number; readonly functions: readonly WireFunction[] },
  stateFolder: string,
  settings: Settings,
  log: Log,
): LaunchedHost {
  const { port, functions } = started;
  const unsupported = unsupportedBindings(functions);
  for (const one of unsupported) log.warn(unsupportedText(one));
  for (const line of ignoredRetries(functions)) log.warn(line);
  log.info(`${functions.length} functions are served on http://127.0.0.1:${port}; state in ${stateFolder}.`);
  const { hubName, routePrefix } = settings;
  return { port, functions, unsupported, stateFolder, hubName, routePrefix, stop: () => host.stop() };
}

/** What a start that threw means to the person who asked for it; anything that is not foreseen is a bug and goes on. */
function failureOf(thrown: unknown): LaunchFailure {
  if (thrown instanceof StateUnusable) {
    return { code: 'stateUnusable', message: thrown.what, remedy: thrown.remedy };
  }
  if (thrown instanceof PortNotFree) {
    const remedy = 'Name another port with --port, or 0 for any that is free; or end the program that has it.';
    return { code: 'portTaken', message: thrown.message, remedy };
  }
  if (thrown instanceof AppNotLoaded) {
    const remedy = `Install the app's packages and build it, then look at the log above.`;
    return { code: 'appNotLoaded', message: `the app cannot be loaded: ${describeThrown(thrown.cause)}`, remedy };
  }
  throw thrown;
}
