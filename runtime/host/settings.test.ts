import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings, type Settings } from './settings';
import { timeSpanMs } from './time-span';

const folder = mkdtempSync(join(tmpdir(), 'runtime-settings-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function settingsOf(environment: Record<string, string>, hubName?: string): Settings {
  const settings = readSettings(folder, environment, hubName);
  if (settings.kind === 'unreadable') throw new Error(settings.reason);
  return settings.value;
}

function write(host: unknown, local?: unknown): void {
  writeFileSync(join(folder, 'host.json'), typeof host === 'string' ? host : JSON.stringify(host));
  writeFileSync(join(folder, 'local.settings.json'), `\uFEFF${JSON.stringify(local ?? {})}`);
}

test('what is not said has the defaults of the Functions host', () => {
  write({ version: '2.0' });
  expect(settingsOf({})).toMatchObject({
    hubName: 'TestHubName',
    routePrefix: 'api',
    functionTimeoutMs: 1_800_000,
    logFilter: { levelMin: 'information' },
    ignored: [],
  });
});

test('host.json is followed, and what has no meaning here is named', () => {
  write({
    version: '2.0',
    functionTimeout: '00:10:00',
    logging: {
      logLevel: { default: 'Warning', Function: 'Error' },
      applicationInsights: { samplingSettings: { isEnabled: true } },
    },
    extensions: {
      http: { routePrefix: '/v1/', customHeaders: { 'x-a': 'b' } },
      durableTask: { hubName: '%HUB%', maxConcurrentActivityFunctions: 3, storageProvider: { type: 'mssql' } },
    },
  });
  expect(settingsOf({ HUB: 'MyHub' })).toMatchObject({
    hubName: 'MyHub',
    routePrefix: 'v1',
    functionTimeoutMs: 600_000,
    logFilter: { levelMin: 'warning', byCategory: { Function: 'error' } },
    customHeaders: { 'x-a': 'b' },
    activitiesMax: 3,
    ignored: ['logging.applicationInsights.samplingSettings.isEnabled', 'extensions.durableTask.storageProvider.type'],
  });
});

test('the versions that the app runs: its own and older ones, unless host.json says otherwise in any case of letters', () => {
  write({ version: '2.0' });
  expect(settingsOf({}).versions).toEqual({ version: null, match: 'CurrentOrOlder', failure: 'Reject' });
  const durableTask = { defaultVersion: '2.0', versionMatchStrategy: 'strict', versionFailureStrategy: 'FAIL' };
  write({ version: '2.0', extensions: { durableTask } });
  expect(settingsOf({}).versions).toEqual({ version: '2.0', match: 'Strict', failure: 'Fail' });
});

test('app settings overrule host.json, the environment overrules the file, the command line overrules all', () => {
  write(
    { version: '2.0', extensions: { durableTask: { hubName: 'A', maxConcurrentActivityFunctions: 3 } } },
    {
      Values: {
        X: 'file',
        Y: 'file',
        AzureFunctionsJobHost__extensions__durableTask__maxConcurrentActivityFunctions: 9,
      },
    },
  );
  const settings = settingsOf({ Y: 'process' }, 'B');
  expect(settings).toMatchObject({ hubName: 'B', activitiesMax: 9, environment: { X: 'file', Y: 'process' } });
});

test.each([
  ['{ "version": ', undefined, /cannot read .*host\.json/],
  [{ version: '1.0' }, undefined, /host\.json.*version/s],
  [{ functionTimeout: 'soon' }, undefined, /"soon" is no time span/],
  [{ extensions: { durableTask: { maxConcurrentActivityFunctions: 0 } } }, undefined, /maxConcurrentActivityFunctions/],
  [{}, { IsEncrypted: true }, /local\.settings\.json is encrypted/],
])('%j with %j is refused', (host, local, reason) => {
  write(host, local);
  expect(readSettings(folder, {}, undefined)).toEqual({ kind: 'unreadable', reason: expect.stringMatching(reason) });
});

test.each([
  ['00:05:00', 300_000],
  ['1.02:03:04.5', 93_784_500],
  ['7', 604_800_000],
  ['01:30', 5_400_000],
])('%s is a time span', (text, ms) => {
  expect(timeSpanMs(text)).toBe(ms);
});
test.each(['', '5 minutes', '25:00:00', '00:60:00', '-1'])('"%s" is none', (text) => {
  expect(timeSpanMs(text)).toBeUndefined();
});
