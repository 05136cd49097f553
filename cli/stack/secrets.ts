import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { describeThrown } from '../../contracts/failure';
import { generateSigningKey } from '../../relay/signing';
import { bad, good, type Result } from '../context';
import { writeFileAtomic } from './files';

const base64 = z.base64().min(1);
const stackSecrets = z.object({
  schema: z.literal(1),
  /** Of the app; the agents get the public half alone. */
  signing: z.object({ privateKeyBase64: base64, publicKeyBase64: base64 }),
  relaySendKey: base64,
  relayListenKey: base64,
  blobAccountKey: base64,
});
export type StackSecrets = z.infer<typeof stackSecrets>;

/** The keys of this state folder, made the first time, in a file that its owner alone can read. */
export function ensureSecrets(home: string, randomBytes: (count: number) => Uint8Array): Result<StackSecrets> {
  const path = join(home, 'secrets.json');
  if (existsSync(path)) return readSecrets(path);
  const key = (count: number): string => Buffer.from(randomBytes(count)).toString('base64');
  const secrets: StackSecrets = {
    schema: 1,
    signing: generateSigningKey(),
    relaySendKey: key(32),
    relayListenKey: key(32),
    blobAccountKey: key(64),
  };
  writeFileAtomic(path, `${JSON.stringify(secrets, null, 2)}\n`);
  return good(secrets);
}

function readSecrets(path: string): Result<StackSecrets> {
  try {
    chmodSync(path, 0o600);
    return good(stackSecrets.parse(JSON.parse(readFileSync(path, 'utf8'))));
  } catch (thrown) {
    return bad({
      exit: 'localStack',
      title: 'the keys of the local stack cannot be read',
      detail: `${path}: ${describeThrown(thrown).slice(0, 300)}`,
      remedy: 'Restore the file, or remove it: new keys are then made at the next start.',
    });
  }
}
