import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { generate } from 'selfsigned';
import type { SigningKey } from '../../../relay/signing';

/** What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410, section 10.3). */
const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** A key that follows from a text: signatures, and so the lengths of messages, are the same in every process. */
export function signingKeyOf(text: string): SigningKey {
  const seed = createHash('sha256').update(text).digest();
  const privateKey = createPrivateKey({ key: Buffer.concat([prefix, seed]), format: 'der', type: 'pkcs8' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

export type Certificate = { readonly key: string; readonly cert: string };

/** A certificate for each machine, made once a process: nothing of a run depends on what is in it but its length on a machine's disk. */
export async function makeCertificates(count: number): Promise<Certificate[]> {
  const made: Certificate[] = [];
  while (made.length < count) {
    const pem = await generate([{ name: 'commonName', value: `machine-${made.length}` }], {
      keyType: 'ec',
      curve: 'P-256',
      algorithm: 'sha256',
      notBeforeDate: new Date(Date.UTC(2026, 0, 1)),
      notAfterDate: new Date(Date.UTC(2036, 0, 1)),
    });
    made.push({ key: pem.private, cert: pem.cert });
  }
  return made;
}
