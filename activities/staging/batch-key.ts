import { hkdfSync } from 'node:crypto';
import type { SigningKey } from '../../relay/signing';

/**
 * The key of a batch: 32 bytes that follow from the signing key of the app, so that it is written down nowhere and every run of the batch has
 * the same. Storage never sees it. Another generation has another key: what it holds shares nothing with the one before.
 */
export function batchKeyOf({ privateKey }: SigningKey, scope: string, generation: number): Buffer {
  const secret = privateKey.export({ type: 'pkcs8', format: 'der' });
  return Buffer.from(hkdfSync('sha256', secret, '', `hyperferry-batch-key-v1\n${scope}\n${generation}`, 32));
}

const digitsOfName = 24;

/** The container of a batch by its key: another key, as after a change of the signing key, has another container. */
export function containerNameOf(batchKey: Uint8Array): string {
  const name = Buffer.from(hkdfSync('sha256', batchKey, '', 'hyperferry-staging-container-v1', 32));
  return `hyperferry-staged-${name.toString('hex').slice(0, digitsOfName)}`;
}
