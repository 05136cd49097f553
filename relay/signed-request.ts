import { sign, verify, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { failed, failureOf, succeeded, type Failure, type Outcome } from '../contracts/failure';
import type { HostId } from '../contracts/ids';
import { clockSkewMsMax } from '../contracts/limits';
import type { RelayRequest } from './exchange';
import type { NonceMemory } from './nonces';
import { sha256Hex, type SigningKey } from './signing';

/**
 * End-to-end signatures of requests. The relay proves that the caller may send on a hybrid connection; this proves that it is the app,
 * that it meant this host and this request, and that it said so just now.
 */
const signedHeaders = {
  time: 'x-hyperferry-time',
  nonce: 'x-hyperferry-nonce',
  signature: 'x-hyperferry-signature',
} as const;

type SignedText = {
  readonly method: string;
  /** Path and query within the agent. */
  readonly path: string;
  readonly hostId: HostId;
  readonly body: Uint8Array;
  /** Milliseconds since 1970, by the clock of the signer. */
  readonly atMs: number;
  /** 16 to 64 characters of `[A-Za-z0-9_-]`, used once. */
  readonly nonce: string;
};

/** The context line keeps a request's signature from serving as anything else; no other field can hold a line break. */
const canonicalText = ({ method, path, hostId, body, atMs, nonce }: SignedText): Buffer =>
  Buffer.from(['hyperferry-request-v1', hostId, method, path, atMs, nonce, sha256Hex(body)].join('\n'));

/** The headers that make a request the app's: Ed25519 (RFC 8032) over context, host, method, path with query, time, nonce and body. */
export function signRequest(key: SigningKey, request: SignedText): Record<string, string> {
  return {
    [signedHeaders.time]: String(request.atMs),
    [signedHeaders.nonce]: request.nonce,
    [signedHeaders.signature]: sign(null, canonicalText(request), key.privateKey).toString('base64url'),
  };
}

const signatureHeaders = z.object({
  [signedHeaders.time]: z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number),
  [signedHeaders.nonce]: z.string().regex(/^[A-Za-z0-9_-]{16,64}$/),
  [signedHeaders.signature]: z.string().regex(/^[A-Za-z0-9_-]{86}$/),
});

export type RequestVerifier = {
  /** The host that this agent is. */
  readonly hostId: HostId;
  readonly nowMs: number;
  readonly nonces: NonceMemory;
};

type UnauthorizedDetail = { readonly subject?: Failure['subject']; readonly retry?: Failure['retry'] };

const unauthorized = (message: string, detail: UnauthorizedDetail = {}) =>
  failed(failureOf('Unauthorized', { message, ...detail }));

/**
 * Whether a request is the app's, for this host, fresh, and seen for the first time. `publicKeys` are all keys that are in force (two
 * while a key is exchanged). Fails with Unauthorized; a nonce is used up only by a genuine request.
 */
export function verifyRequest(
  publicKeys: readonly KeyObject[],
  request: Pick<RelayRequest, 'method' | 'path' | 'headers' | 'body'>,
  { hostId, nowMs, nonces }: RequestVerifier,
): Outcome<{ readonly publicKey: KeyObject }> {
  const headers = signatureHeaders.safeParse(request.headers);
  if (!headers.success) {
    const name = String(headers.error.issues[0]?.path[0]);
    return unauthorized(`the header ${name} is missing or not of its form`, { subject: { field: name } });
  }
  const { [signedHeaders.time]: atMs, [signedHeaders.nonce]: nonce } = headers.data;
  const text = canonicalText({ ...request, hostId, atMs, nonce });
  const signature = Buffer.from(headers.data[signedHeaders.signature], 'base64url');
  const publicKey = publicKeys.find((one) => verify(null, text, one, signature));
  if (publicKey === undefined)
    return unauthorized(`the signature is not the app's for this request to ${hostId}`, { subject: { host: hostId } });

  if (Math.abs(nowMs - atMs) > clockSkewMsMax) return clockFailure(hostId, atMs, nowMs);
  switch (nonces.remember(nonce, atMs, nowMs)) {
    case 'new':
      return succeeded({ publicKey });
    case 'repeated':
      return unauthorized('the request was sent a second time: its nonce was seen before');
    case 'full':
      return unauthorized('too many requests in a few minutes to tell a repeated one', { retry: 'transient' });
  }
}

const timeText = (ms: number) => new Date(ms).toISOString();

const clockFailure = (hostId: HostId, atMs: number, nowMs: number) =>
  unauthorized(
    `the request says ${timeText(atMs)}, the clock of ${hostId} ${timeText(nowMs)}: ` +
      `${Math.round(Math.abs(nowMs - atMs) / 1000)} s apart, at most ${clockSkewMsMax / 1000} s are accepted`,
    { subject: { host: hostId } },
  );
