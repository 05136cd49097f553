import type { Command } from 'commander';
import { randomBytes, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { loadConfig, type AgentConfig } from '../../agent/config';
import { exportGuardian, importGuardian, listGuardians, makeOffer } from '../../agent/guardians/courier';
import { withHyperV, type GuardianCalls, type GuardianParts } from '../../agent/guardians/parts';
import { describeThrown, type Failure, type Outcome } from '../../contracts/failure';
import type { CommandResult, Context } from '../context';
import { badInput, type CliFailure } from '../failure';
import { tableLines } from '../output/table';
import { examples, type Run } from './command';
import { readDocument } from './document-file';

/** `hyperferry agent guardian`: how the keys of a guardian come to another host. Each command runs on a host, by its administrator. */
export function registerGuardian(agent: Command, run: Run): void {
  const command = agent
    .command('guardian')
    .description('bring a guardian of key protectors, with its private keys, to another host (docs/hyper-v-host.md)');
  registerList(command, run);
  registerOffer(command, run);
  registerExport(command, run);
  registerImport(command, run);
}

const configured = (parent: Command, name: string, description: string): Command =>
  parent.command(name).description(description).requiredOption('--config <file>', 'configuration of the agent');

function registerList(parent: Command, run: Run): void {
  const command = configured(parent, 'list', 'the guardians of this host').option('--json', 'print JSON');
  examples(command, ['agent guardian list --config agent.json', 'name, whether its private key is here, certificates']);
  command.action((options: unknown) =>
    run(async (context) => {
      const { config, json } = z.object({ config: z.string(), json: z.boolean().default(false) }).parse(options);
      const listed = await askedHyperV(context, config, (_parts, hyperV) => listGuardians(hyperV));
      if (!listed.ok) return failureOfGuardian(listed.failure);
      if (json) context.output.json(listed.value);
      else {
        const rows = listed.value.map((one) => [
          one.name,
          one.hasPrivateKey ? 'here' : 'elsewhere',
          one.encryptionThumbprint,
          one.signingThumbprint,
        ]);
        context.output.lines(tableLines(['NAME', 'PRIVATE KEY', 'ENCRYPTION', 'SIGNING'], rows));
      }
      return 'done';
    }),
  );
}

const offerOptions = z.object({ config: z.string(), out: z.string().optional() });

function registerOffer(parent: Command, run: Run): void {
  const command = configured(
    parent,
    'offer',
    'on the destination host: make an offer, to which one guardian may be sealed within 24 hours',
  ).option('--out <file>', 'write it to this file instead of standard output');
  examples(command, ['agent guardian offer --config agent.json --out offer.json', 'carry it to the source host']);
  command.action((options: unknown) =>
    run(async (context) => {
      const { config, out } = offerOptions.parse(options);
      const made = await configuredWith(context, config, makeOffer);
      if (!made.ok) return failureOfGuardian(made.failure);
      const written = await write(context, made.value, out);
      if (written === 'done') context.output.note(`fingerprint of the offer: ${made.value.fingerprint}`);
      return written;
    }),
  );
}

const exportOptions = offerOptions.extend({ name: z.string(), for: z.string() });

function registerExport(parent: Command, run: Run): void {
  const command = configured(
    parent,
    'export',
    'on the source host: a guardian with its private keys, sealed to the offer of a destination host',
  )
    .requiredOption('--name <name>', 'the guardian: hyperferry agent guardian list')
    .requiredOption('--for <offer>', 'file with the offer, or - for standard input')
    .option('--out <file>', 'write it to this file instead of standard output');
  examples(command, [
    'agent guardian export --config agent.json --name UntrustedGuardian --for offer.json --out sealed.json',
    'compare the fingerprint with the one that the destination host printed before you hand the file on',
  ]);
  command.action((options: unknown) =>
    run(async (context) => {
      const { config, out, name, for: file } = exportOptions.parse(options);
      const offer = await readDocument(file, { ...helpWith('offer'), field: '--for' }, documentBytesMax);
      if (!offer.ok) return offer.failure;
      const exported = await askedHyperV(context, config, (parts, hyperV) =>
        exportGuardian(parts, hyperV, name, offer.value),
      );
      if (!exported.ok) return failureOfGuardian(exported.failure);
      const { sealed, offer: to } = exported.value;
      const written = await write(context, sealed, out);
      if (written === 'done')
        context.output.note(
          `sealed to the offer of ${to.hostId} with fingerprint ${to.fingerprint}: hand it on only if ${to.hostId} printed the same`,
        );
      return written;
    }),
  );
}

const importOptions = z.object({ config: z.string(), as: z.string().optional(), json: z.boolean().default(false) });

function registerImport(parent: Command, run: Run): void {
  const command = configured(
    parent,
    'import',
    'on the destination host: make the guardian that was sealed to its offer',
  )
    .argument('<sealed>', 'file that export wrote, or - for standard input')
    .option('--as <name>', 'call it so here; by default as on the source host')
    .option('--json', 'print JSON');
  examples(command, [
    'agent guardian import --config agent.json sealed.json --as "UntrustedGuardian of HV01"',
    'every host calls its own guardian UntrustedGuardian: VMs are opened by its certificates, not by its name',
  ]);
  command.action((file: string, options: unknown) =>
    run(async (context) => {
      const { config, as, json } = importOptions.parse(options);
      const sealed = await readDocument(file, { ...helpWith('export'), field: 'SEALED' }, documentBytesMax);
      if (!sealed.ok) return sealed.failure;
      const imported = await askedHyperV(context, config, (parts, hyperV) =>
        importGuardian(parts, hyperV, sealed.value, as),
      );
      if (!imported.ok) return failureOfGuardian(imported.failure);
      const { state, guardian } = imported.value;
      if (json) context.output.json(imported.value);
      else
        context.output.line(
          state === 'imported'
            ? `guardian "${guardian.name}" (${guardian.encryptionThumbprint}) is here now, with its private keys`
            : `guardian "${guardian.name}" has these certificates and their private keys already; nothing was changed`,
        );
      return 'done';
    }),
  );
}

/** An offer is short; a sealed guardian holds two certificates with their keys. */
const documentBytesMax = 4 * 1024 ** 2;

const helpWith = (by: 'offer' | 'export') => ({
  next: `hyperferry agent guardian ${by} --help`,
  tooLong: `Name the file that "hyperferry agent guardian ${by}" wrote.`,
});

async function configuredWith<T>(
  { clock }: Context,
  path: string,
  work: (parts: GuardianParts) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  const config: Outcome<AgentConfig> = loadConfig(path);
  return config.ok ? work({ config: config.value, clock, newGuid: randomUUID, randomBytes }) : config;
}

const askedHyperV = <T>(
  context: Context,
  path: string,
  work: (parts: GuardianParts, hyperV: GuardianCalls) => Promise<Outcome<T>>,
): Promise<Outcome<T>> =>
  configuredWith(context, path, (parts) =>
    withHyperV(parts, context.env, context.output.note, (hyperV) => work(parts, hyperV)),
  );

/** A document to standard output, or to a file that is not there yet and that only its owner may read. */
async function write({ output }: Context, document: unknown, out: string | undefined): Promise<CommandResult> {
  if (out === undefined) {
    output.json(document);
    return 'done';
  }
  try {
    await writeFile(out, `${JSON.stringify(document, null, 2)}\n`, { flag: 'wx', mode: 0o600, flush: true });
    return 'done';
  } catch (thrown) {
    const remedy = 'Name a file that is not there yet, in a folder that can be written.';
    return badInput(`${out} cannot be written`, { detail: describeThrown(thrown), field: '--out', value: out, remedy });
  }
}

function failureOfGuardian({ code, message, subject, remedy }: Failure): CliFailure {
  const exit = code === 'RequestInvalid' ? 'badInput' : code === 'HyperVSilent' ? 'localStack' : 'refused';
  const { field, value } = subject;
  return { exit, title: `not done (${code})`, detail: message, field, value, remedy };
}
