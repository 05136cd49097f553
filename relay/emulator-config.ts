import { z } from 'zod';
import { failed, failureOf, succeeded, type Outcome } from '../contracts/failure';

export const relayRights = ['Listen', 'Send'] as const;
export type RelayRight = (typeof relayRights)[number];

const emulatorKey = z.strictObject({
  name: z.string().min(1).max(256),
  key: z.string().min(1).max(256),
  rights: z.array(z.enum(relayRights)).min(1),
});
export type EmulatorKey = z.infer<typeof emulatorKey>;

const hybridConnectionName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'use letters, digits, ".", "_", "-"');

/** The configuration file of the emulator. */
export const emulatorConfig = z.strictObject({
  /** On 127.0.0.1; 0 takes a free one, which the ready line names. */
  port: z.int().min(0).max(65_535),
  /** The name that answers carry in `Via`. */
  namespace: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,99}$/, 'use a host name'),
  hybridConnections: z.array(hybridConnectionName).min(1).max(1000),
  keys: z.array(emulatorKey).min(1).max(100),
});
export type EmulatorConfig = z.infer<typeof emulatorConfig>;

const example =
  '{ "port": 0, "namespace": "local", "hybridConnections": ["host-1"], "keys": [{ "name": "app", "key": "…", "rights": ["Send"] }] }';

/** Reads the text of a configuration file; the failure names the field and what to write there. */
export function readEmulatorConfig(text: string): Outcome<EmulatorConfig> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    const message = `the configuration of the relay emulator is not JSON: ${reason}`;
    return failed(failureOf('RequestInvalid', { message, remedy: `Write a JSON object such as ${example}` }));
  }
  const config = emulatorConfig.safeParse(json);
  if (config.success) return succeeded(config.data);
  const [issue] = config.error.issues;
  const field = issue?.path.join('.') || 'the document';
  const message = `the configuration of the relay emulator: ${field}: ${issue?.message ?? 'not valid'}`;
  const remedy = `Correct ${field}; the whole looks like ${example}`;
  return failed(failureOf('RequestInvalid', { message, remedy, subject: { field } }));
}
