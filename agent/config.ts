import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { describeThrown, failed, failureOf, succeeded, type Outcome } from '../contracts/failure';
import { hostId } from '../contracts/ids';
import { relayEndpoint } from '../relay/address';
import { publicKeyFrom } from '../relay/signing';
import { streamsDefault, streamsMax } from './disks/route/limits';
import { driverConfig, driverFrom } from './driver-config';
import { shown, valueAt } from './invalid';

const text = z.string().min(1, 'name it; it must not be empty');

const publicKey = z.string().transform((base64, context) => {
  try {
    return publicKeyFrom(base64);
  } catch {
    context.addIssue('use an Ed25519 public key: SPKI in DER form, base64, as the app prints it');
    return z.NEVER;
  }
});

const sas = z.strictObject({ keyName: text, key: text });
const entra = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('managed-identity'), clientId: text.optional(), scope: text.optional() }),
  z.strictObject({
    type: z.literal('client-certificate'),
    tenantId: text,
    clientId: text,
    /** PEM file with certificate and key. */
    certificatePath: text,
    scope: text.optional(),
  }),
]);
export type EntraIdentity = z.infer<typeof entra>;

/** How the agent proves to the relay that it may listen. */
export type RelayIdentity = ({ readonly type: 'sas' } & z.infer<typeof sas>) | EntraIdentity;

const relayOfFile = z
  .strictObject({ endpoint: relayEndpoint, sas: sas.optional(), entra: entra.optional() })
  .transform((given, context): { endpoint: string; identity: RelayIdentity } => {
    const { endpoint } = given;
    if (given.sas !== undefined && given.entra === undefined)
      return { endpoint, identity: { type: 'sas', ...given.sas } };
    if (given.entra !== undefined && given.sas === undefined) return { endpoint, identity: given.entra };
    context.addIssue('give either "sas" (keyName, key) or "entra" (an identity), not both and not neither');
    return z.NEVER;
  });

const byteRoute = z.strictObject({
  /** The address of this host on which peers are awaited. */
  listenAddress: text,
  /** 0: any that is free; it is kept from start to start. */
  port: z.int().min(0).max(65_535),
  /** Where peers reach it. */
  advertisedAddress: text,
  /** How many pulls this host carries out side by side. */
  pullsAtOnceMax: z.int().min(1).max(64).default(4),
  /** Over how many TCP connections a pull fetches its content at most. */
  streamsMax: z.int().min(1).max(streamsMax).default(streamsDefault.max),
  /** One of them for each so many bytes of content. */
  streamBytesMin: z.int().min(1).default(streamsDefault.bytesEachMin),
});

export const agentConfig = z.strictObject({
  hostId,
  /** The agent's own folder: operations, start marks, certificate. No second agent may use it. */
  stateFolder: text,
  driver: driverConfig,
  relay: relayOfFile,
  /** Keys of the apps whose requests this agent carries out: two while a key is exchanged. */
  appPublicKeys: z.array(publicKey).min(1, 'give the public key of the app at least').max(10),
  byteRoute,
});
export type AgentConfig = z.infer<typeof agentConfig>;

const secretFields = new Set(['key']);
const issuesShownMax = 5;

/** One wrong field as a sentence: name, value, and what to do. */
function describeIssue(issue: z.core.$ZodIssue, document: unknown): string {
  if (issue.code === 'unrecognized_keys')
    return `${[...issue.path, issue.keys.join(', ')].map(String).join('.')}: no such field; remove it`;
  const field = issue.path.map(String).join('.') || 'the document';
  const secret = secretFields.has(String(issue.path.at(-1)));
  const value = secret ? '(not shown)' : shown(valueAt(document, issue.path));
  return `${field} is ${value}: ${issue.message}`;
}

const withPathFrom = (folder: string, identity: RelayIdentity): RelayIdentity =>
  identity.type === 'client-certificate'
    ? { ...identity, certificatePath: resolve(folder, identity.certificatePath) }
    : identity;

/** Checks a configuration; relative paths are taken from `folder`. Every failure is RequestInvalid and names fields and values. */
export function parseConfig(document: unknown, folder: string): Outcome<AgentConfig> {
  const parsed = agentConfig.safeParse(document);
  if (!parsed.success) {
    const issues = parsed.error.issues.slice(0, issuesShownMax).map((issue) => describeIssue(issue, document));
    const field = parsed.error.issues[0]?.path.map(String).join('.') ?? '';
    return failed(failureOf('RequestInvalid', { message: issues.join('; '), subject: { field } }));
  }
  const { stateFolder, driver, relay, ...rest } = parsed.data;
  return succeeded({
    ...rest,
    relay: { ...relay, identity: withPathFrom(folder, relay.identity) },
    stateFolder: resolve(folder, stateFolder),
    driver: driverFrom(folder, driver),
  });
}

/** Reads and checks the configuration file. */
export function loadConfig(path: string): Outcome<AgentConfig> {
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(path, 'utf8'));
  } catch (thrown) {
    const message = `the configuration ${path} cannot be read: ${describeThrown(thrown)}`;
    return failed(failureOf('RequestInvalid', { message, remedy: 'Name a JSON file with --config FILE.' }));
  }
  return parseConfig(document, dirname(resolve(path)));
}
