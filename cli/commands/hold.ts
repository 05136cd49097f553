import type { Command } from 'commander';
import type { z } from 'zod';
import { migrationId } from '../../contracts/ids';
import { apiOf } from '../api/api-of';
import type { CommandResult, Context } from '../context';
import { failureOfApi } from '../failure';
import { parseField } from '../parse';
import { apiCommand, apiOptions, examples, type Run } from './command';

const texts = {
  pause: {
    what: 'hold the copying of a VM that still runs; it goes on where it was',
    done: 'pause requested; the VM runs on, and the copy waits for a resume',
    example: 'leaves the line to others until it is resumed',
  },
  resume: {
    what: 'let a paused copy go on',
    done: 'resume requested',
    example: 'goes on where the copy was paused',
  },
} as const;
type Held = keyof typeof texts;

type HoldOptions = z.infer<typeof apiOptions>;

async function hold(context: Context, idText: string, command: Held, options: HoldOptions): Promise<CommandResult> {
  const found = apiOf(context, options);
  if (!found.ok) return found.failure;
  const id = parseField(migrationId, idText, 'ID');
  if (!id.ok) return id.failure;
  const sent = await found.value.hold(id.value, command);
  if (!sent.ok) return failureOfApi(sent.error);
  if (options.json) context.output.json({ id: id.value, requested: command });
  else context.output.line(`${id.value}: ${texts[command].done}`);
  return 'done';
}

/** `hyperferry pause ID`, `hyperferry resume ID` */
export function registerHold(program: Command, run: Run): void {
  for (const held of ['pause', 'resume'] as const) {
    const command = apiCommand(program, `${held} ID`, texts[held].what);
    examples(command, [`${held} web01-20260801-a1b2c3`, texts[held].example]);
    command.action((idText: string, options: unknown) =>
      run(async (context) => {
        const parsed = parseField(apiOptions, options, 'options');
        return parsed.ok ? hold(context, idText, held, parsed.value) : parsed.failure;
      }),
    );
  }
}
