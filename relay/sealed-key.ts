import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';

/**
 * A key that travels through the relay to one agent, sealed so that nobody else can read it: X25519 with a key pair that is made for it, a key
 * by HKDF (RFC 5869) of what both ends then know, AES-256-GCM. It is the public key of that pair, the sealed key and its seal.
 */

const algorithm = 'aes-256-gcm';
const sealBytes = 16;
/** What stands before the 32 bytes of an X25519 key: SPKI and PKCS #8 in DER (RFC 8410). */
const publicHead = Buffer.from('302a300506032b656e032100', 'hex');
const privateHead = Buffer.from('302e020100300506032b656e04220420', 'hex');
const rawBytes = 32;
/** The sealing key is made for one message. */
const nonce = Buffer.alloc(12);

/** The key pair that follows from a secret, such as another private key, which stays of no use to who has the pair. */
export function sealingKeyFrom(secret: string | Uint8Array): { privateKey: KeyObject; publicKeyBase64: string } {
  const raw = Buffer.from(hkdfSync('sha256', secret, '', 'hyperferry-sealing-key-v1', rawBytes));
  const privateKey = createPrivateKey({ key: Buffer.concat([privateHead, raw]), format: 'der', type: 'pkcs8' });
  return { privateKey, publicKeyBase64: spkiOf(createPublicKey(privateKey)).toString('base64') };
}

/** Seals a key to an agent. `context` says what for and for whom; undefined when that is no X25519 key that anything can be sealed to. */
export function sealKey(publicKeyBase64: string, key: Uint8Array, context: string): string | undefined {
  const theirs = publicKeyOf(Buffer.from(publicKeyBase64, 'base64'));
  if (theirs === undefined) return undefined;
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  const ours = rawOf(publicKey);
  const sealingKey = keyWith(privateKey, theirs, ours, context);
  if (sealingKey === undefined) return undefined;
  const cipher = createCipheriv(algorithm, sealingKey, nonce);
  return Buffer.concat([ours, cipher.update(key), cipher.final(), cipher.getAuthTag()]).toString('base64');
}

/** The key, or undefined when it was not sealed to this agent for that. */
export function openSealedKey(privateKey: KeyObject, sealed: string, context: string): Buffer | undefined {
  const bytes = Buffer.from(sealed, 'base64');
  if (bytes.length < rawBytes + sealBytes) return undefined;
  const ours = bytes.subarray(0, rawBytes);
  const theirs = publicKeyOf(Buffer.concat([publicHead, ours]));
  if (theirs === undefined) return undefined;
  try {
    const decipher = createDecipheriv(algorithm, keyFor(privateKey, theirs, ours, context), nonce, {
      authTagLength: sealBytes,
    });
    decipher.setAuthTag(bytes.subarray(-sealBytes));
    return Buffer.concat([decipher.update(bytes.subarray(rawBytes, -sealBytes)), decipher.final()]);
  } catch {
    // The seal does not fit, or the public key is one with which nothing can be agreed upon.
    return undefined;
  }
}

function keyFor(privateKey: KeyObject, publicKey: KeyObject, madeForIt: Uint8Array, context: string): Buffer {
  const agreed = diffieHellman({ privateKey, publicKey });
  return Buffer.from(hkdfSync('sha256', agreed, madeForIt, `hyperferry-sealed-key-v1\n${context}`, 32));
}

/** Undefined for a public key of small order, with which everybody agrees on the same. */
function keyWith(privateKey: KeyObject, publicKey: KeyObject, madeForIt: Uint8Array, context: string) {
  try {
    return keyFor(privateKey, publicKey, madeForIt, context);
  } catch {
    return undefined;
  }
}

function publicKeyOf(spki: Buffer): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    return key.asymmetricKeyType === 'x25519' ? key : undefined;
  } catch {
    return undefined;
  }
}

const spkiOf = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });
const rawOf = (key: KeyObject): Buffer => spkiOf(key).subarray(publicHead.length);

/** What a batch key is sealed for: one run on one host. */
export const stagingContext = (runId: string, hostId: string): string => `staging ${runId} ${hostId}`;
