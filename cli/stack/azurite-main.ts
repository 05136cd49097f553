import { ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/**
 * Azurite's blob service, with one thing mended: it keeps its metadata in memory and writes it out every five seconds, so what it
 * acknowledged in between is lost when it is killed. Here the answer to a write waits until the metadata is in its file.
 *
 * Azurite's own options follow on the command line. The guard (guard.ts) is loaded before this.
 */

/** The part of a LokiJS database (lokijs 1.5) that this needs. */
type Database = {
  throttledSavePending: boolean;
  autosaveDirty(): boolean;
  saveDatabase(callback: (failure?: unknown) => void): void;
};
type DatabaseClass = { readonly prototype: Database };

const isDatabaseClass = (loaded: unknown): loaded is DatabaseClass =>
  typeof loaded === 'function' &&
  typeof loaded.prototype === 'object' &&
  loaded.prototype !== null &&
  'saveDatabase' in loaded.prototype &&
  'autosaveDirty' in loaded.prototype;

/** Every database that Azurite opens: each is saved once when it is opened, so the first save tells of it. */
function databasesOf(loki: DatabaseClass): ReadonlySet<Database> {
  const opened = new Set<Database>();
  const save = Reflect.get<Database, 'saveDatabase'>(loki.prototype, 'saveDatabase');
  loki.prototype.saveDatabase = function (this: Database, callback) {
    opened.add(this);
    save.call(this, callback);
  };
  return opened;
}

function saved(database: Database): Promise<void> {
  // A save under way may have begun before the change that matters; LokiJS then does another one and calls back after that.
  if (!database.throttledSavePending && !database.autosaveDirty()) return Promise.resolve();
  return new Promise((resolve, reject) => {
    database.saveDatabase((failure) => {
      if (failure === undefined || failure === null) resolve();
      else reject(failure instanceof Error ? failure : new Error('the metadata could not be saved'));
    });
  });
}

const readingMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

function holdAnswersUntilSaved(databases: ReadonlySet<Database>): void {
  // Inherited from OutgoingMessage, and called with the response as `this`.
  const end = Reflect.get(ServerResponse.prototype, 'end') as (...args: unknown[]) => ServerResponse;
  const durableEnd = function (this: ServerResponse, ...args: unknown[]): ServerResponse {
    if (readingMethods.has(this.req.method ?? '')) return Reflect.apply(end, this, args);
    Promise.all([...databases].map(saved)).then(
      () => Reflect.apply(end, this, args),
      (failure: unknown) => this.destroy(failure instanceof Error ? failure : undefined),
    );
    return this;
  };
  Object.defineProperty(ServerResponse.prototype, 'end', { value: durableEnd, writable: true, configurable: true });
}

async function main(): Promise<void> {
  const ofAzurite = createRequire(require.resolve('azurite/package.json'));
  const loki: unknown = ofAzurite('lokijs');
  if (!isDatabaseClass(loki)) throw new Error('this version of Azurite does not keep its metadata in LokiJS 1.5');
  holdAnswersUntilSaved(databasesOf(loki));
  await import(pathToFileURL(ofAzurite.resolve('azurite/dist/src/blob/main.js')).href);
}

void main();
