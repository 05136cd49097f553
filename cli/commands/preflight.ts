import type { Command } from 'commander';
import type { z } from 'zod';
import { apiOf } from '../api/api-of';
import type { CommandResult, Context } from '../context';
import { failureOfApi } from '../failure';
import { preflightLines } from '../output/preflight';
import { parseField } from '../parse';
import { apiCommand, examples, type Run } from './command';
import { moveOptions, requestOf, withMoveOptions } from './move-request';

async function preflight(
  context: Context,
  vmText: string,
  options: z.infer<typeof moveOptions>,
): Promise<CommandResult> {
  const api = apiOf(context, options);
  if (!api.ok) return api.failure;
  const request = await requestOf(api.value, vmText, options);
  if (!request.ok) return request.failure;
  const found = await api.value.preflight(request.value);
  if (!found.ok) return failureOfApi(found.error);
  if (options.json) context.output.json({ request: request.value, ...found.value });
  else context.output.lines(preflightLines(request.value, found.value));
  return found.value.refusal === null ? 'done' : 'preflightRefused';
}

/** `hyperferry preflight VM --to HOST --kind KIND` */
export function registerPreflight(program: Command, run: Run): void {
  const command = withMoveOptions(
    apiCommand(
      program,
      'preflight VM',
      'look whether a move would be refused, and what is to be known of it; changes nothing',
    ),
  );
  examples(
    command,
    [
      'preflight web01 --to host-b --kind live',
      'every finding with its remedy; exit 0 when a run would begin, 10 when not',
    ],
    ['preflight web01 --to host-b --kind warm --json', 'the same with the facts and every check, as a document'],
  );
  command.action((vmText: string, options: unknown) =>
    run(async (context) => {
      const parsed = parseField(moveOptions, options, 'options');
      return parsed.ok ? preflight(context, vmText, parsed.value) : parsed.failure;
    }),
  );
}
