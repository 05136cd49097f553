/**
 * The module `@azure/functions-core`, which the Functions worker supplies and npm does not: what `@azure/functions` finds
 * when it looks for its host. A worker process hands it out for that name; jest maps the name to this file.
 */
import { appRegistry, type Hook, type ProgrammingModel } from './registry';

export const version = '3.13.0';
/** Features of `@azure/functions` ask for the host's version; 4.34 has all that 4.16 of the package uses. */
export const hostVersion = '4.1041.0';

/** Undoes a registration once. */
export class Disposable {
  #undo: (() => void) | undefined;

  constructor(undo: () => void) {
    this.#undo = undo;
  }

  dispose(): void {
    this.#undo?.();
    this.#undo = undefined;
  }
}

export function registerFunction(metadata: unknown, handler: unknown): Disposable {
  return new Disposable(appRegistry.register(metadata, handler));
}

export function registerHook(name: string, hook: Hook): Disposable {
  return new Disposable(appRegistry.addHook(name, hook));
}

export function setProgrammingModel(model: ProgrammingModel): void {
  appRegistry.model = model;
}

export function getProgrammingModel(): ProgrammingModel | undefined {
  return appRegistry.model;
}

type LogSink = (level: string, category: string, message: string) => void;
let logSink: LogSink | undefined;

/** Where `log` below goes; without one it is dropped. */
export function setLogSink(sink: LogSink | undefined): void {
  logSink = sink;
}

export function log(level: string, category: string, message: string): void {
  logSink?.(level, category, message);
}
