import type { Command } from 'commander';
import { z } from 'zod';
import { good, type CommandResult, type Context, type Result } from '../context';
import { demonstrate } from '../demo/demo';
import { ensureHosts, localHosts } from '../demo/hosts';
import { demoDataBytesDefault, demoVm, ensureDemoVm } from '../demo/vm';
import { homeFolder } from '../home';
import { callLines } from '../output/status';
import { startStack, type Stack } from '../stack/stack';
import { screenSink } from '../watch/screen';
import { lineSink } from '../watch/lines';
import type { WatchEnd } from '../watch/watch';
import { examples, type Run } from './command';
import { dataOption, rateOrUnlimitedOption } from './sizes';

const mib = 1024 ** 2;
const demoBandwidthDefault = 100 * mib;

async function ended(context: Context): Promise<void> {
  if (context.signal.aborted) return;
  await new Promise<void>((resolve) => context.signal.addEventListener('abort', () => resolve(), { once: true }));
}

function startLocal(
  context: Context,
  say: (line: string) => void,
  vm: { readonly dataBytes: number } | 'hosts-alone',
): Promise<Result<Stack>> {
  return startStack({
    home: homeFolder(context.env),
    hosts: localHosts,
    env: context.env,
    clock: context.clock,
    randomBytes: context.randomBytes,
    signal: context.signal,
    say,
    prepare: async (layout) => {
      await ensureHosts(layout);
      return vm === 'hosts-alone' ? good(undefined) : ensureDemoVm(layout, vm.dataBytes, say);
    },
  });
}

const addressLines = (stack: Stack): string[] => [
  `HTTP interface:  ${stack.apiUrl}  (described at ${stack.apiUrl}/openapi.json)`,
  `hosts:           ${localHosts.join(', ')}, simulated, in ${stack.layout.home}/hosts`,
  `logs:            ${stack.layout.logFolder}`,
];

async function up(context: Context, json: 'json' | 'text'): Promise<CommandResult> {
  const { output } = context;
  const say = json === 'json' ? output.note : output.line;
  const started = await startLocal(context, say, 'hosts-alone');
  if (!started.ok) return started.failure;
  const stack = started.value;
  if (json === 'json')
    output.jsonLine({ ready: true, apiUrl: stack.apiUrl, home: stack.layout.home, hosts: localHosts });
  else output.lines([...addressLines(stack), 'Ctrl-C stops it; what runs then goes on at the next start.']);
  await ended(context);
  say('stopping');
  await stack.stop();
  return 'done';
}

const nextLines = (stack: Stack): string[] => [
  '',
  'The local stack stays up. Ctrl-C stops it; started again, it goes on from where it was.',
  ...addressLines(stack),
  'Next, in another terminal:',
  '  npx hyperferry vms',
  `  npx hyperferry migrate ${demoVm.name} --to ${localHosts[0]} --folder ${stack.layout.hostFolder(localHosts[0])}/volumes/vms/back --watch`,
  '  npx hyperferry status',
  `  curl ${stack.apiUrl}/migrations`,
];

type StartOptions = {
  readonly stay: 'once' | 'stay';
  readonly bandwidthBytesPerSecondMax: number | null;
  readonly dataBytes: number;
};

function resultOf(end: WatchEnd): CommandResult {
  if (end.why === 'interrupted') return 'interrupted';
  if (end.why === 'parked') return 'waitsForAnswer';
  return end.status.state === 'completed' ? 'done' : 'runNotCompleted';
}

async function start(context: Context, options: StartOptions): Promise<CommandResult> {
  const { output } = context;
  const screen = output.stdout.isTTY === true && context.env['TERM'] !== 'dumb' ? screenSink(output.stdout) : undefined;
  const say = (line: string): void => (screen === undefined ? output.line(line) : screen.above(line));
  const started = await startLocal(context, say, { dataBytes: options.dataBytes });
  if (!started.ok) return started.failure;
  const stack = started.value;
  addressLines(stack).forEach(say);
  const { bandwidthBytesPerSecondMax } = options;
  const end = await demonstrate(context, stack, { bandwidthBytesPerSecondMax, say, sink: screen ?? lineSink(output) });
  if (options.stay === 'stay' && !context.signal.aborted) {
    if (!end.ok) output.note(`the demonstration ended early: ${end.failure.title}`);
    else if (end.value.why === 'ended') callLines(end.value.status).forEach(say);
    nextLines(stack).forEach(say);
    await ended(context);
  }
  say('stopping');
  await stack.stop();
  if (!end.ok) return end.failure;
  return options.stay === 'stay' && end.value.why === 'interrupted' ? 'done' : resultOf(end.value);
}

const startOptions = z.object({
  once: z.boolean().default(false),
  bandwidth: z.union([z.int(), z.literal('unlimited').transform(() => null)]).default(demoBandwidthDefault),
  data: z.int().default(demoDataBytesDefault),
});

/** `hyperferry up` and `hyperferry start` */
export function registerUp(program: Command, run: Run): void {
  const upCommand = program
    .command('up')
    .description('start the local stack: app, relay emulator, blob service and two agents with simulated hosts')
    .option('--json', 'print one JSON line when it is ready');
  examples(
    upCommand,
    ['up', 'runs until Ctrl-C; the other commands find it by themselves'],
    ['up --json', '{"ready":true,"apiUrl":…} for a program that starts it'],
  );
  upCommand.action((options: unknown) =>
    run((context) => {
      const { json } = z.object({ json: z.boolean().default(false) }).parse(options);
      return up(context, json ? 'json' : 'text');
    }),
  );
  const startCommand = program
    .command('start')
    .description('up, and the demonstration: a VM is made and moved from one host to the other (what npm start runs)')
    .option('--once', 'end after that migration; exit 0 only when it is completed')
    .option('--bandwidth <rate>', 'limit of the copy, or "unlimited" (default: 100MiB/s)', rateOrUnlimitedOption)
    .option('--data <size>', 'data of the VM, when it is made (default: 600MiB)', dataOption);
  examples(
    startCommand,
    ['start', 'moves the VM, prints the receipt, and stays up'],
    ['start --once --bandwidth unlimited', 'as fast as it goes, and ends'],
  );
  startCommand.action((options: unknown) =>
    run((context) => {
      const { once, bandwidth, data } = startOptions.parse(options);
      return start(context, { stay: once ? 'once' : 'stay', bandwidthBytesPerSecondMax: bandwidth, dataBytes: data });
    }),
  );
}
