import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeAppFolder, type AppFolder } from './run-host';

/** A folder of the sample app, where its functions write what they did, and the environment that a host of it wants. */
export type SampleFolder = {
  readonly folder: AppFolder;
  readonly traces: string;
  readonly environment: Readonly<Record<string, string>>;
};

/** Makes a folder of the sample app; `files` as for `makeAppFolder`. Its timer fires once a year, so that no test meets it by chance. */
export function makeSampleFolder(files: Readonly<Record<string, unknown>> = {}): SampleFolder {
  const folder = makeAppFolder(join(__dirname, 'sample-app.js'), files);
  const traces = join(folder.app, 'traces');
  mkdirSync(traces);
  return { folder, traces, environment: { SAMPLE_TRACES: traces, TICK_SCHEDULE: '0 0 4 1 1 *' } };
}
