import { Option, type Command } from 'commander';
import { z } from 'zod';
import { demonstrateFaults } from '../demo/faults/faults';
import { faultKinds } from '../demo/faults/kinds';
import { kinds } from '../../contracts/migration';
import { demoDiskFormats } from '../demo/make-vm';
import { demoDataBytesDefault } from '../demo/vm';
import { examples, type Run } from './command';
import { dataOption, rateOption, wholeOption } from './sizes';

const bandwidthDefault = 40 * 1024 ** 2;

const faultsOptions = z.object({
  kills: z.int().default(5),
  seed: z.int().default(1),
  kind: z.enum(kinds).default('quick-storage'),
  bandwidth: z.int().default(bandwidthDefault),
  data: z.int().default(demoDataBytesDefault),
  diskFormat: z.enum(demoDiskFormats).default('vhdx'),
});

/** `hyperferry demo-faults` */
export function registerDemoFaults(program: Command, run: Run): void {
  const command = program
    .command('demo-faults')
    .description(
      'move the demonstration VM to and fro while agents, relay, blob service and app are killed with kill -9',
    )
    .option('--kills <count>', 'how many (default: 5)', wholeOption(1))
    .option('--seed <number>', 'decides who is killed when (default: 1)', wholeOption(0))
    .addOption(new Option('--kind <kind>', 'how it moves').choices(faultKinds).default('quick-storage'))
    .option('--bandwidth <rate>', 'limit of the copy (default: 40MiB/s)', rateOption)
    .option('--data <size>', 'data of the VM (default: 600MiB)', dataOption)
    .addOption(new Option('--disk-format <format>', 'of its disk').choices(demoDiskFormats).default('vhdx'));
  examples(
    command,
    ['demo-faults --kills 25 --seed 7', 'exit 0 only if nothing was lost, nothing ran twice, and every kill was cheap'],
    ['demo-faults --kills 3 --data 64MiB', 'a short one'],
    ['demo-faults --kind live --kills 8 --seed 2', 'the hypervisor moves it, and is killed as well'],
  );
  command.action((options: unknown) =>
    run((context) => {
      const { bandwidth, data, ...rest } = faultsOptions.parse(options);
      return demonstrateFaults(context, { ...rest, bandwidthBytesPerSecondMax: bandwidth, dataBytes: data });
    }),
  );
}
