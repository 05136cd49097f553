import type { Command } from 'commander';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { loadConfig } from '../../agent/config';
import { examine, liveMigrationTcpPort } from '../../agent/doctor';
import { runAgent } from '../../agent/run';
import type { CommandResult, Context } from '../context';
import { doctorLines } from '../output/doctor';
import { examples, type Run } from './command';
import { registerGuardian } from './guardian';

const runOptions = z.object({ config: z.string() });
const doctorOptions = z.object({ config: z.string(), json: z.boolean().default(false) });

/** `hyperferry agent run`, `hyperferry agent doctor` and `hyperferry agent guardian` */
export function registerAgent(program: Command, run: Run): void {
  const command = program
    .command('agent')
    .description(
      'run the agent of a Hyper-V host, look whether it could, or bring a guardian to it (docs/hyper-v-host.md)',
    );
  registerRun(command, run);
  registerDoctor(command, run);
  registerGuardian(command, run);
}

function registerRun(agent: Command, run: Run): void {
  const command = agent
    .command('run')
    .description('run the agent of this host until Ctrl-C; its log goes to standard error, a line of JSON an event')
    .requiredOption('--config <file>', 'configuration of the agent');
  examples(command, ['agent run --config C:\\hyperferry\\agent.json', 'prints {"ready":true,…} once it answers']);
  command.action((options: unknown) => run((context) => runOne(context, runOptions.parse(options).config)));
}

async function runOne({ output, signal }: Context, configPath: string): Promise<CommandResult> {
  const ended = await runAgent({ configPath, write: output.note, ready: output.jsonLine, signal });
  switch (ended) {
    case 'done':
      return 'done';
    case 'refused':
      return 'badInput';
    case 'fault':
      return 'localStack';
  }
}

function registerDoctor(agent: Command, run: Run): void {
  const command = agent
    .command('doctor')
    .description('look at everything that a first day gets wrong on this host, each with its remedy; changes nothing')
    .requiredOption('--config <file>', 'configuration of the agent')
    .option('--json', 'print one JSON object instead of a table');
  examples(
    command,
    [
      'agent doctor --config C:\\hyperferry\\agent.json',
      'exit 0 when nothing keeps the agent from its work; warnings may be left',
    ],
    ['agent doctor --config agent.json --json', '{ ok, criticalCount, warningCount, findings }'],
  );
  command.action((options: unknown) =>
    run((context) => {
      const { config, json } = doctorOptions.parse(options);
      return doctor(context, config, json ? 'json' : 'text');
    }),
  );
}

async function doctor(context: Context, configPath: string, as: 'json' | 'text'): Promise<CommandResult> {
  const { clock, env, output } = context;
  const parts = { clock, env, newGuid: randomUUID, migrationPort: liveMigrationTcpPort };
  const report = await examine(loadConfig(configPath), parts);
  if (as === 'json') output.jsonLine(report);
  else output.lines(doctorLines(report));
  return report.ok ? 'done' : 'unhealthy';
}
