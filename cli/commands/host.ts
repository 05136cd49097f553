import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { launch, type LaunchFailure } from '../../runtime/host/launch';
import { logFormats } from '../../runtime/host/log';
import type { CommandResult, Context } from '../context';
import type { CliFailure } from '../failure';
import { listing } from '../host/listing';
import { examples, type Run } from './command';
import { registerHostState } from './host-state';
import { choiceOption } from './sizes';

const hostOptions = z.object({
  app: z.string(),
  port: z.int().default(7071),
  state: z.string().optional(),
  hub: z.string().optional(),
  auth: z.enum(['on', 'off']).default('off'),
  log: z.enum(logFormats).default('text'),
  json: z.boolean().default(false),
});

/** `hyperferry host`, with `hyperferry host backup` and `hyperferry host restore` below it. */
export function registerHost(program: Command, run: Run): void {
  const command = program
    .command('host')
    .description('run any app of the Node v4 programming model of Azure Functions on the embedded runtime')
    .enablePositionalOptions()
    .option('--app <folder>', 'folder of the app: package.json with main, host.json, local.settings.json')
    .option('--port <number>', 'port on 127.0.0.1; 0 for any that is free (default: 7071)', portOption)
    .option('--state <folder>', "folder of the runtime's state (default: .hyperferry/runtime in the app's folder)")
    .option('--hub <name>', 'name of the task hub (default: as host.json says)')
    .option('--auth <on|off>', 'on: keys are asked for as in Azure (default: off)', choiceOption(['on', 'off']))
    .option('--log <format>', 'of log lines on standard error: text or json (default: text)', choiceOption(logFormats))
    .option('--json', 'print one JSON line when it is ready');
  examples(
    command,
    ['host --app ../orders', 'serves the app on port 7071 until Ctrl-C; what runs then goes on at the next start'],
    ['host --app ../orders --port 0 --json', '{"ready":true,"port":…} for a program that starts it'],
    ['host --app . --state /var/lib/hyperferry --auth on --log json', 'for good, as a service of one machine'],
    ['host backup --state /var/lib/hyperferry --to night.db', 'copies the state while the host runs'],
  );
  command.action((options: unknown) =>
    run((context) => {
      const parsed = hostOptions.safeParse(options);
      if (!parsed.success) return Promise.resolve(noApp);
      return host(context, parsed.data);
    }),
  );
  registerHostState(command, run);
}

const noApp: CliFailure = {
  exit: 'badInput',
  title: 'it is not said which app is to run',
  field: '--app',
  remedy: 'Name the folder that has the package.json and host.json of the app.',
  next: 'hyperferry host --help',
};

function portOption(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('Give a number from 0 to 65535.');
  return port;
}

async function host(context: Context, options: z.infer<typeof hostOptions>): Promise<CommandResult> {
  const broken = Promise.withResolvers<string>();
  const launched = await launch({
    appFolder: options.app,
    stateFolder: options.state,
    port: options.port,
    hubName: options.hub,
    auth: options.auth,
    logFormat: options.log,
    environment: context.env,
    onBroken: broken.resolve,
  });
  if (launched.kind === 'failed') return failureOf(launched.failure, options);
  const running = launched.host;
  const { port, hubName: hub, unsupported } = running;
  const ready = { ready: true, port, pid: process.pid, functions: running.functions.length, hub, unsupported };
  if (options.json) context.output.jsonLine(ready);
  else context.output.lines([...listing(running), 'Ctrl-C stops it; what runs then goes on at the next start.']);
  const brokenReason = await Promise.race([broken.promise, interrupted(context)]);
  await running.stop();
  if (brokenReason === undefined) return 'done';
  return { exit: 'localStack', title: 'the host cannot go on', detail: brokenReason };
}

async function interrupted({ signal }: Context): Promise<undefined> {
  if (signal.aborted) return undefined;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  return undefined;
}

function failureOf({ code, message, remedy }: LaunchFailure, options: z.infer<typeof hostOptions>): CliFailure {
  switch (code) {
    case 'appUnusable':
      return { exit: 'badInput', title: message, field: '--app', value: options.app, remedy };
    case 'settingsUnreadable':
      return { exit: 'badInput', title: message, remedy };
    case 'stateUnusable':
      return { exit: 'localStack', title: message, remedy };
    case 'portTaken':
      return { exit: 'localStack', title: message, field: '--port', value: String(options.port), remedy };
    case 'appNotLoaded':
      return { exit: 'localStack', title: message, field: '--app', value: options.app, remedy };
  }
}
