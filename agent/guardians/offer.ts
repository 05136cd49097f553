import { createHash } from 'node:crypto';
import { z } from 'zod';
import { failed, failureOf, succeeded, type Outcome } from '../../contracts/failure';
import { hostId, type HostId } from '../../contracts/ids';
import { isoTime } from '../clock';
import { invalidRequest } from '../invalid';

/** How long an offer may be answered. */
export const offerMsMax = 24 * 3_600_000;

/**
 * What a destination host gives to the administrator of the source host: the public half of a key pair that is made for one guardian. Nothing in
 * it is secret; who can change it on the way could have the guardian sealed to another key, which the fingerprint shows.
 */
export const guardianOffer = z.strictObject({
  hyperferry: z.literal('guardian-offer-1'),
  id: z.uuid(),
  /** The host that made it, and can open what is sealed to it. */
  hostId,
  /** X25519: SPKI in DER form, base64. */
  publicKey: z.base64().min(1).max(200),
  expiresAt: z.iso.datetime(),
  /** For people, who compare it at both hosts. Never relied on: it is computed again. */
  fingerprint: z.string().max(100),
});
export type GuardianOffer = z.infer<typeof guardianOffer>;

type Offered = Omit<GuardianOffer, 'fingerprint'>;

/** 96 bits of SHA-256 over all that an offer says, in groups of four digits. */
export function fingerprintOf({ id, hostId: by, publicKey, expiresAt }: Offered): string {
  const digest = createHash('sha256').update(JSON.stringify(['guardian-offer-1', id, by, publicKey, expiresAt]));
  return digest
    .digest('hex')
    .slice(0, 24)
    .toUpperCase()
    .replace(/.{4}(?=.)/g, '$&-');
}

export function offerOf(id: string, by: HostId, publicKey: string, nowMs: number): GuardianOffer {
  const offered: Offered = {
    hyperferry: 'guardian-offer-1',
    id,
    hostId: by,
    publicKey,
    expiresAt: isoTime(nowMs + offerMsMax),
  };
  return { ...offered, fingerprint: fingerprintOf(offered) };
}

export const hasExpired = ({ expiresAt }: Pick<GuardianOffer, 'expiresAt'>, nowMs: number): boolean =>
  nowMs >= Date.parse(expiresAt);

/** Reads an offer that came from elsewhere. Failures: RequestInvalid where it is none, was changed, or has expired. */
export function readOffer(document: unknown, nowMs: number): Outcome<GuardianOffer> {
  const parsed = guardianOffer.safeParse(document);
  const remedy = 'Make an offer on the destination host: hyperferry agent guardian offer --config FILE.';
  if (!parsed.success) return failed({ ...invalidRequest(parsed.error, document, 'OFFER'), remedy });
  const offer = parsed.data;
  const refuse = (field: keyof GuardianOffer, message: string) =>
    failed(failureOf('RequestInvalid', { message, subject: { field, value: offer[field] }, remedy }));
  if (offer.fingerprint !== fingerprintOf(offer))
    return refuse('fingerprint', 'the offer was changed: its fingerprint is of another one');
  if (hasExpired(offer, nowMs)) return refuse('expiresAt', `the offer of ${offer.hostId} has expired`);
  return succeeded(offer);
}
