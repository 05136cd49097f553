import { z } from 'zod';
import { failed, failureOf, succeeded, type Outcome } from '../../contracts/failure';
import { hostId, type HostId } from '../../contracts/ids';
import { openSealedKey, sealingKeyFrom, sealKey } from '../../relay/sealed-key';
import { guardianName, pfxBase64, pfxPassword, thumbprint } from '../hyperv/powershell/calls/guardians';
import { invalidRequest } from '../invalid';
import type { GuardianOffer } from './offer';

/** Which guardian it is: a name, which is not unique among hosts, and its two certificates. */
export const guardianIdentity = z.strictObject({
  name: guardianName,
  signingThumbprint: thumbprint,
  encryptionThumbprint: thumbprint,
});
export type GuardianIdentity = z.infer<typeof guardianIdentity>;

/** Both certificates with their private keys, PKCS #12 under a password that stands beside them and nowhere else. */
const guardianKeys = z.strictObject({ password: pfxPassword, signingPfx: pfxBase64, encryptionPfx: pfxBase64 });
export type GuardianKeys = z.infer<typeof guardianKeys>;

/** A guardian on its way: what is not in `sealed` says whose it is and for whom, and cannot be changed without breaking the seal. */
export const sealedGuardian = z.strictObject({
  hyperferry: z.literal('sealed-guardian-1'),
  offerId: z.uuid(),
  from: hostId,
  to: hostId,
  guardian: guardianIdentity,
  sealed: z.base64().max(2 * 1024 ** 2),
});
export type SealedGuardian = z.infer<typeof sealedGuardian>;

/** All that the seal is bound to. A list: no text in it can look like the next. */
const contextOf = ({ offerId, from, to, guardian }: Omit<SealedGuardian, 'sealed' | 'hyperferry'>): string =>
  JSON.stringify([
    'sealed-guardian-1',
    offerId,
    from,
    to,
    guardian.name,
    guardian.signingThumbprint,
    guardian.encryptionThumbprint,
  ]);

/** Seals a guardian to an offer. Failure: RequestInvalid where nothing can be sealed to its key. */
export function sealGuardian(
  offer: GuardianOffer,
  from: HostId,
  guardian: GuardianIdentity,
  keys: GuardianKeys,
): Outcome<SealedGuardian> {
  const about = { offerId: offer.id, from, to: offer.hostId, guardian };
  const sealed = sealKey(offer.publicKey, Buffer.from(JSON.stringify(keys)), contextOf(about));
  if (sealed !== undefined) return succeeded({ hyperferry: 'sealed-guardian-1', ...about, sealed });
  const message = 'the offer has no X25519 key to which a guardian can be sealed';
  return failed(failureOf('RequestInvalid', { message, subject: { field: 'publicKey', value: offer.publicKey } }));
}

const exportAgain =
  'Carry the file over once more, unchanged. If it stays so, make a new offer (hyperferry agent guardian offer) and export for that.';

/** Reads what came from the source host, without opening it. Failure: RequestInvalid. */
export function readSealed(document: unknown): Outcome<SealedGuardian> {
  const parsed = sealedGuardian.safeParse(document);
  return parsed.success
    ? succeeded(parsed.data)
    : failed({ ...invalidRequest(parsed.error, document, 'SEALED'), remedy: exportAgain });
}

/** The keys, with the secret of the offer that they were sealed for. Failure: RequestInvalid where anything was changed on the way. */
export function openGuardian(secret: Uint8Array, given: SealedGuardian): Outcome<GuardianKeys> {
  const { privateKey } = sealingKeyFrom(secret);
  const opened = openSealedKey(privateKey, given.sealed, contextOf(given));
  const keys = opened === undefined ? undefined : guardianKeys.safeParse(parsedJson(opened));
  if (keys?.success === true) return succeeded(keys.data);
  const message = `the sealed guardian of ${given.from} does not open: it was changed on the way, or sealed to another offer`;
  return failed(failureOf('RequestInvalid', { message, subject: { field: 'sealed' }, remedy: exportAgain }));
}

function parsedJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
