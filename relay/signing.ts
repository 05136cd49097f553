import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';
import { ticketClaims, type TicketClaims } from '../contracts/ticket';

/**
 * The app signs with Ed25519 (RFC 8032); agents hold the public key alone, so no host can speak for the app.
 * The relay's own authorization proves the Send right, not who speaks: a signature is needed on top.
 */
export type SigningKey = { readonly privateKey: KeyObject; readonly publicKey: KeyObject };

/** A new key pair as base64 of PKCS #8 and SPKI (DER). */
export function generateSigningKey(): { privateKeyBase64: string; publicKeyBase64: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    privateKeyBase64: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
    publicKeyBase64: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
  };
}

/** Throws when the text is not a PKCS #8 Ed25519 key in base64. */
export function signingKeyFrom(privateKeyBase64: string): SigningKey {
  const privateKey = createPrivateKey({ key: Buffer.from(privateKeyBase64, 'base64'), format: 'der', type: 'pkcs8' });
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new Error('the signing key is not an Ed25519 key');
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

/** Throws when the text is not an SPKI Ed25519 key in base64. */
export function publicKeyFrom(publicKeyBase64: string): KeyObject {
  const publicKey = createPublicKey({ key: Buffer.from(publicKeyBase64, 'base64'), format: 'der', type: 'spki' });
  if (publicKey.asymmetricKeyType !== 'ed25519') throw new Error('the public key is not an Ed25519 key');
  return publicKey;
}

export const sha256Hex = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

const ticketContext = 'hyperferry-ticket-v1\n';

/** A ticket as `<claims>.<signature>`, both base64url. The context keeps a ticket's signature from serving as a request's. */
export function signTicket(key: SigningKey, claims: TicketClaims): string {
  const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
  const signature = sign(null, Buffer.from(ticketContext + payload), key.privateKey).toString('base64url');
  return `${payload}.${signature}`;
}

/** The claims of a ticket, or why it is not one. Whether it is expired or meant for this peer is for the caller to decide. */
export function verifyTicket(
  publicKey: KeyObject,
  ticket: string,
): { ok: true; claims: TicketClaims } | { ok: false; reason: string } {
  const [payload, signature, rest] = ticket.split('.');
  if (payload === undefined || signature === undefined || rest !== undefined)
    return { ok: false, reason: 'not of the form claims.signature' };
  const genuine = verify(null, Buffer.from(ticketContext + payload), publicKey, Buffer.from(signature, 'base64url'));
  if (!genuine) return { ok: false, reason: 'the signature is not that of the app' };
  const claims = ticketClaims.safeParse(jsonOf(Buffer.from(payload, 'base64url').toString('utf8')));
  return claims.success
    ? { ok: true, claims: claims.data }
    : { ok: false, reason: 'the claims are not of this contract' };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
