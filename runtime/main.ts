/**
 * The host process: `node dist/runtime/main.js --app FOLDER [--port N] [--state FOLDER] [--hub NAME] [--auth on|off] [--log text|json]`.
 * Announces itself by one line of JSON on standard output; everything else it says goes to standard error.
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { describeThrown } from '../contracts/failure';
import { launch, type LaunchedHost } from './host/launch';
import { logFormats } from './host/log';

const usage = `Usage: main --app FOLDER [--port N] [--state FOLDER] [--hub NAME] [--auth on|off] [--log text|json]
  --app    folder of the Functions app: package.json, host.json, local.settings.json
  --port   port on 127.0.0.1; 0 for any that is free (default 7071)
  --state  folder of the runtime's state (default APP/.hyperferry/runtime)
  --hub    name of the task hub (default: host.json)
  --auth   on: function keys are checked as in Azure; they stand in keys.json of the state folder (default off)
  --log    text: log lines in the manner of the Functions host; json: one JSON object each (default text)`;

const portDefault = '7071';

const options = z.object({
  app: z.string().min(1),
  port: z.coerce.number().int().min(0).max(65_535),
  state: z.string().min(1).optional(),
  hub: z.string().optional(),
  auth: z.enum(['on', 'off']),
  log: z.enum(logFormats),
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
      log: { type: 'string', default: 'text' },
    },
  });
  return options.parse(values);
}

async function main(): Promise<void> {
  const chosen = readOptions(process.argv.slice(2));
  const launched = await launch({
    appFolder: chosen.app,
    stateFolder: chosen.state,
    port: chosen.port,
    hubName: chosen.hub,
    auth: chosen.auth,
    logFormat: chosen.log,
    environment: process.env,
    onBroken: fail,
  });
  if (launched.kind === 'failed') fail(`${launched.failure.message} ${launched.failure.remedy}`);
  const { port, functions, hubName } = launched.host;
  stopOnSignals(launched.host);
  const announcement = { ready: true, port, pid: process.pid, functions: functions.length, hub: hubName };
  process.stdout.write(`${JSON.stringify(announcement)}\n`);
}

function stopOnSignals(host: LaunchedHost): void {
  let isStopping = false;
  const stop = (): void => {
    // Who asks twice does not want to wait.
    if (isStopping) process.exit(1);
    isStopping = true;
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
