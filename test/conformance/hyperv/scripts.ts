import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';
import type { Engine } from '../../../agent/hyperv/powershell/worker/engine';
import { projectRoot } from '../../project-root';

export const conformanceScriptsFolder = join(projectRoot, 'test', 'conformance', 'hyperv', 'scripts');

type Answers = {
  readonly look: {
    readonly hostName: string;
    readonly switches: readonly string[];
    readonly hasSwitch: boolean;
    readonly vms: readonly { readonly id: string; readonly name: string }[];
    readonly plannedVms: readonly string[];
  };
  readonly 'make-vm': { readonly id: string };
  readonly 'remove-vms': { readonly removed: readonly string[] };
};
type ScriptName = keyof Answers;

const answers: { readonly [N in ScriptName]: z.ZodType<Answers[N]> } = {
  look: z.object({
    hostName: z.string(),
    switches: z.array(z.string()),
    hasSwitch: z.boolean(),
    vms: z.array(z.object({ id: z.string(), name: z.string() })),
    plannedVms: z.array(z.string()),
  }),
  'make-vm': z.object({ id: z.guid() }),
  'remove-vms': z.object({ removed: z.array(z.string()) }),
};

const spoken = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), value: z.unknown() }),
  z.object({ ok: z.literal(false), error: z.string() }),
]);

const answerBytesMax = 2 ** 24;

/**
 * Runs one of the conformance scripts to its end, with parameters that PowerShell binds by name. Throws what the script says went wrong, and
 * where PowerShell does not start or says something else.
 */
export async function runScript<N extends ScriptName>(
  { command }: Engine,
  name: N,
  parameters: Readonly<Record<string, string>>,
): Promise<Answers[N]> {
  const given = Object.entries(parameters).flatMap(([key, value]) => [`-${key}`, value]);
  const policy = ['-NoLogo', '-NoProfile', '-NonInteractive', '-ExecutionPolicy', 'Bypass'];
  const args = [...policy, '-File', join(conformanceScriptsFolder, `${name}.ps1`), ...given];
  const said = await new Promise<string>((resolve, reject) => {
    execFile(command, args, { encoding: 'utf8', maxBuffer: answerBytesMax }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${name}.ps1: ${stderr.trim() === '' ? error.message : stderr.trim()}`));
    });
  });
  const told = spoken.safeParse(JSON.parse(said.trim().split('\n').at(-1) ?? ''));
  if (told.success && !told.data.ok) throw new Error(`${name}.ps1: ${told.data.error}`);
  const answer = answers[name].safeParse(told.data?.ok === true ? told.data.value : undefined);
  if (!answer.success) throw new Error(`${name}.ps1 answered what it never does: ${said.slice(0, 500)}`);
  return answer.data;
}
