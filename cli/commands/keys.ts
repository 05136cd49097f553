import type { Command } from 'commander';
import { z } from 'zod';
import { generateSigningKey } from '../../relay/signing';
import type { CommandResult, Context } from '../context';
import { factLines } from '../output/table';
import { examples, type Run } from './command';

function keys(context: Context, json: 'json' | 'text'): CommandResult {
  const pair = generateSigningKey();
  if (json === 'json') context.output.json(pair);
  else
    context.output.lines(
      factLines([
        ['private, for the app setting HYPERFERRY_SIGNING_KEY', pair.privateKeyBase64],
        ['public, for appPublicKeys of each agent', pair.publicKeyBase64],
      ]),
    );
  context.output.note('keep the private key secret: who has it speaks to the agents as the app');
  return 'done';
}

/** `hyperferry keys` */
export function registerKeys(program: Command, run: Run): void {
  const command = program
    .command('keys')
    .description('make a signing key: the app signs with it, the agents trust its public half')
    .option('--json', 'print JSON instead of text');
  examples(command, ['keys --json', '{ privateKeyBase64, publicKeyBase64 }']);
  command.action((options: unknown) =>
    run(async (context) => {
      const { json } = z.object({ json: z.boolean().default(false) }).parse(options);
      return keys(context, json ? 'json' : 'text');
    }),
  );
}
