/**
 * The host process: `node dist/runtime/main.js --app FOLDER [--port N] [--state FOLDER] [--hub NAME] [--auth on|off]`.
 * Announces itself by one line of JSON on standard output; everything else it says goes to standard error.
 */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { describeThrown } from '../contracts/failure';
import { RuntimeHost } from './host/host';
import { Log } from './host/log';
import { readSettings } from './host/settings';
import { unsupportedBindings } from './host/bindings';

const usage = `Usage: main --app FOLDER [--port N] [--state FOLDER] [--hub NAME] [--auth on|off]
  --app    folder of the Functions app: package.json, host.json, local.settings.json
  --port   port on 127.0.0.1; 0 for any that is free (default 7071)
  --state  folder of the runtime's state (default APP/.hyperferry/runtime)
  --hub    name of the task hub (default: host.json)
  --auth   on: function keys are checked as in Azure; they stand in keys.json of the state folder (default off)`;

const portDefault = '7071';
const workerSilenceMsDefault = 60_000;

const options = z.object({
  app: z.string().min(1),
  port: z.coerce.number().int().min(0).max(65_535),
  state: z.string().min(1).optional(),
  hub: z.string().optional(),
  auth: z.enum(['on', 'off']),
});

function readOptions(parameters: readonly string[]): z.infer<typeof options> {
  const { values } = parseArgs({
    args: [...parameters],
    options: {
      app: { type: 'string' },
      port: { type: 'string', default: portDefault },
      state: { type: 'string' },
      hub: { type: 'string' },
      auth: { type: 'string', default: 'off' },
    },
  });
  return options.parse(values);
}

async function main(): Promise<void> {
  const chosen = readOptions(process.argv.slice(2));
  const appFolder = resolve(chosen.app);
  const stateFolder = resolve(chosen.state ?? join(appFolder, '.hyperferry', 'runtime'));
  const read = readSettings(appFolder, process.env, chosen.hub);
  if (read.kind === 'unreadable') fail(read.reason);
  const settings = read.value;
  const log = new Log(settings.logLevel);
  if (settings.ignored.length > 0)
    log.warn(`host.json: without meaning here and ignored: ${settings.ignored.join(', ')}.`);
  const host = new RuntimeHost(
    {
      appFolder,
      stateFolder,
      port: chosen.port,
      settings,
      auth: chosen.auth,
      log,
      workerSilenceMsMax: Number(process.env['HYPERFERRY_WORKER_SILENCE_MS'] ?? workerSilenceMsDefault),
    },
    (reason) => fail(reason),
  );
  stopOnSignals(host, log);
  const { port, functions } = await host.start();
  for (const line of unsupportedBindings(functions)) log.warn(line);
  log.info(`${functions.length} functions are served on http://127.0.0.1:${port}; state in ${stateFolder}.`);
  const announcement = { ready: true, port, pid: process.pid, functions: functions.length, hub: settings.hubName };
  process.stdout.write(`${JSON.stringify(announcement)}\n`);
}

function stopOnSignals(host: RuntimeHost, log: Log): void {
  let isStopping = false;
  const stop = (): void => {
    // Who asks twice does not want to wait.
    if (isStopping) process.exit(1);
    isStopping = true;
    log.info('Stopping.');
    host.stop().then(
      () => process.exit(0),
      (thrown: unknown) => fail(describeThrown(thrown)),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

function fail(reason: string): never {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}

main().catch((thrown: unknown) => {
  const isUsage = thrown instanceof z.ZodError || (thrown instanceof TypeError && 'code' in thrown);
  fail(
    isUsage
      ? `${thrown instanceof z.ZodError ? z.prettifyError(thrown) : thrown.message}\n${usage}`
      : describeThrown(thrown),
  );
});
