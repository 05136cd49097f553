import { z } from 'zod';
import { hostId } from '../contracts/ids';

/** Settings of the Functions app, parsed once. Docs: README, "Settings". */
const settings = z.object({
  /** Hosts whose hybrid connections this app may use, separated by commas. */
  HYPERFERRY_HOSTS: z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    )
    .pipe(z.array(hostId).min(1)),
  /** `https://NAMESPACE.servicebus.windows.net`, or the relay emulator. */
  HYPERFERRY_RELAY_ENDPOINT: z.url(),
  /** A SAS rule with the Send right. Without it the app's identity is used. */
  HYPERFERRY_RELAY_KEY_NAME: z.string().optional(),
  HYPERFERRY_RELAY_KEY: z.string().optional(),
  /** The Ed25519 key (PKCS #8, base64) whose public half the agents trust. */
  HYPERFERRY_SIGNING_KEY: z.string().min(1),
  HYPERFERRY_LOOK_MS_MIN: z.coerce.number().int().positive().default(1000),
  HYPERFERRY_LOOK_MS_MAX: z.coerce.number().int().positive().default(15_000),
  HYPERFERRY_SILENCE_MS_MAX: z.coerce.number().int().positive().default(180_000),
  /** Storage of the app: a connection string (Azurite), or an account by name with the app's identity. */
  AzureWebJobsStorage: z.string().optional(),
  AzureWebJobsStorage__accountName: z.string().optional(),
  AzureWebJobsStorage__blobServiceUri: z.url().optional(),
  AzureWebJobsStorage__clientId: z.string().optional(),
});

export type Settings = z.infer<typeof settings>;

/** Throws with the names of the settings that are missing or wrong, and never with their values: some are secrets. */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const parsed = settings.safeParse(environment);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`The app's settings are not complete. ${problems.join('; ')}. See "Settings" in the README.`);
}
