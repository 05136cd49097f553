import type { Command } from 'commander';
import type { HostItem } from '../api/client';
import { apiOf } from '../api/api-of';
import type { CommandResult, Context } from '../context';
import { failureOfApi } from '../failure';
import { formatBytes } from '../output/format';
import { factLines } from '../output/table';
import { apiCommand, apiOptions, examples, type ApiCommandOptions, type Run } from './command';

function hostLines(item: HostItem): string[] {
  if (item.facts === null || !item.reachable) {
    const why = item.failure;
    return [
      `${item.hostId}: not reachable`,
      ...factLines(
        [
          ['reason', why === null ? 'not said' : `${why.message} (${why.code})`],
          ['remedy', why?.remedy ?? 'Check that the agent of the host runs and reaches the relay.'],
        ],
        '  ',
      ),
    ];
  }
  const { facts } = item;
  const volumes = facts.volumes.map(({ root, sizeBytes, freeBytes, reservedBytes }): [string, string] => [
    'volume',
    `${root}: ${formatBytes(freeBytes)} free of ${formatBytes(sizeBytes)}` +
      (reservedBytes === 0 ? '' : `, ${formatBytes(reservedBytes)} of it promised to runs`),
  ]);
  return [
    `${item.hostId}: reachable, ${facts.driver} driver, agent ${facts.agentVersion}`,
    ...factLines(
      [
        ['memory', `${formatBytes(facts.memoryFreeBytes)} free of ${formatBytes(facts.memoryBytes)}`],
        ...volumes,
        ['switches', facts.switches.length === 0 ? 'none' : facts.switches.join(', ')],
      ],
      '  ',
    ),
  ];
}

async function hosts(context: Context, options: ApiCommandOptions): Promise<CommandResult> {
  const api = apiOf(context, options);
  if (!api.ok) return api.failure;
  const page = await api.value.hosts();
  if (!page.ok) return failureOfApi(page.error);
  if (options.json) context.output.json(page.value);
  else if (page.value.items.length === 0) context.output.note('no hosts are configured (app setting HYPERFERRY_HOSTS)');
  else context.output.lines(page.value.items.flatMap(hostLines));
  return 'done';
}

/** `hyperferry hosts` */
export function registerHosts(program: Command, run: Run): void {
  const command = apiCommand(
    program,
    'hosts',
    'list the Hyper-V hosts, what room they have and whether they are reachable',
  );
  examples(
    command,
    ['hosts', 'every host with memory, volumes and switches'],
    ['hosts --json', 'the same as a document: { items: [{ hostId, reachable, facts, failure }], next }'],
  );
  command.action((options: unknown) => run((context) => hosts(context, apiOptions.parse(options))));
}
