import { join } from 'node:path';
import { failed, failureOf, succeeded, type Failure, type Outcome } from '../../contracts/failure';
import { sealingKeyFrom } from '../../relay/sealed-key';
import { failureOfIo } from '../files';
import type { GuardianFacts } from '../hyperv/powershell/calls/guardians';
import { errorCode } from '../thrown';
import { GuardianFolder } from './folder';
import { offerOf, readOffer, type GuardianOffer } from './offer';
import type { GuardianCalls, GuardianParts } from './parts';
import { openGuardian, readSealed, sealGuardian, type GuardianKeys, type SealedGuardian } from './sealed';

/** The guardians that Hyper-V lists on this host. */
export async function listGuardians(hyperV: GuardianCalls): Promise<Outcome<GuardianFacts[]>> {
  const read = await hyperV.call('read-guardians', {});
  return read.ok ? succeeded(read.value.guardians) : read;
}

/** Makes an offer of this host, good for one guardian and 24 hours. Its secret stays in the agent's folder. Failures: IoFailed, DiskFull. */
export async function makeOffer({
  config,
  clock,
  newGuid,
  randomBytes,
}: GuardianParts): Promise<Outcome<GuardianOffer>> {
  const secret = randomBytes(32);
  const { publicKeyBase64 } = sealingKeyFrom(secret);
  const offer = offerOf(newGuid(), config.hostId, publicKeyBase64, clock.now());
  return inFolder(config.stateFolder, clock.now(), async (folder) => {
    await folder.keep({ offer, secret });
    return succeeded(offer);
  });
}

/** What to do where private keys cannot be taken along: the VM is made to be opened by a guardian of the other host as well. */
const grantInstead =
  'Leave the keys where they are, and let a guardian of the destination host open the VM: Export-HgsGuardian there; here Import-HgsGuardian, ' +
  'Grant-HgsKeyProtectorAccess and Set-VMKeyProtector, with the VM off.';

const passwordBytes = 32;

/**
 * A guardian of this host with both its private keys, sealed to an offer of another host. Changes nothing here. Failures: RequestInvalid for an
 * offer that is none, was changed, has expired or is this host's own; NotFound where the guardian or a private key is not here; AccessDenied
 * where its keys cannot leave the host.
 */
export async function exportGuardian(
  { config: { hostId }, clock, randomBytes }: GuardianParts,
  hyperV: GuardianCalls,
  name: string,
  offerDocument: unknown,
): Promise<Outcome<{ sealed: SealedGuardian; offer: GuardianOffer }>> {
  const read = readOffer(offerDocument, clock.now());
  if (!read.ok) return read;
  const offer = read.value;
  if (offer.hostId === hostId) return failed(ownOffer(offer));
  const password = randomBytes(passwordBytes).toString('base64url');
  const answered = await hyperV.call('export-guardian', { Name: name, Password: password });
  if (!answered.ok) return answered;
  const { value } = answered;
  const subject = { field: '--name', value: name };
  switch (value.state) {
    case 'absent': {
      const remedy = 'Choose one that "hyperferry agent guardian list" shows with its private key.';
      return failed(failureOf('NotFound', { message: `${hostId} has no guardian "${name}"`, subject, remedy }));
    }
    case 'no-private-keys': {
      const message = `${hostId} knows guardian "${value.guardian.name}", and has not the private keys of both its certificates`;
      const remedy = 'Export it on the host that made it: there the list shows it with its private key.';
      return failed(failureOf('NotFound', { message, subject, remedy }));
    }
    case 'not-exportable': {
      const message = `the private keys of guardian "${value.guardian.name}" were made so that they cannot leave ${hostId}`;
      return failed(failureOf('AccessDenied', { message, subject, remedy: grantInstead }));
    }
    case 'exported': {
      const { signingPfx, encryptionPfx } = value;
      const { name: called, signingThumbprint, encryptionThumbprint } = value.guardian;
      const identity = { name: called, signingThumbprint, encryptionThumbprint };
      const sealed = sealGuardian(offer, hostId, identity, { password, signingPfx, encryptionPfx });
      return sealed.ok ? succeeded({ sealed: sealed.value, offer }) : sealed;
    }
  }
}

const ownOffer = ({ hostId }: GuardianOffer): Failure =>
  failureOf('RequestInvalid', {
    message: `the offer is of ${hostId}, which is this host`,
    subject: { field: 'OFFER.hostId', value: hostId },
    remedy: 'Make the offer on the destination host, and export on the source host.',
  });

export type Imported = {
  /** `already`: a guardian with these certificates and their private keys was here before; nothing was changed. */
  readonly state: 'imported' | 'already';
  readonly guardian: GuardianFacts;
};

/**
 * Makes a guardian of what was sealed to an offer of this host, under its own name or another; uses the offer up. Repeated, it finds the guardian
 * and changes nothing. Failures: RequestInvalid for what is no sealed guardian, is for another host, or was changed on the way; NotFound where
 * the offer was used, has expired or was never made here; DestinationOccupied where another guardian has the name.
 */
export async function importGuardian(
  { config: { hostId, stateFolder }, clock }: GuardianParts,
  hyperV: GuardianCalls,
  document: unknown,
  as?: string,
): Promise<Outcome<Imported>> {
  const read = readSealed(document);
  if (!read.ok) return read;
  const given = read.value;
  if (given.to !== hostId) return failed(forAnother(given, hostId));
  return inFolder(stateFolder, clock.now(), async (folder) => {
    const kept = await folder.offer(given.offerId);
    if (kept === undefined) return alreadyHere(hyperV, given);
    const keys = openGuardian(kept.secret, given);
    if (!keys.ok) return keys;
    const imported = await importOpened(folder, hyperV, given, keys.value, as ?? given.guardian.name);
    if (imported.ok) await folder.forget(given.offerId);
    return imported;
  });
}

async function importOpened(
  folder: GuardianFolder,
  hyperV: GuardianCalls,
  { from, guardian: { signingThumbprint, encryptionThumbprint } }: SealedGuardian,
  keys: GuardianKeys,
  name: string,
): Promise<Outcome<Imported>> {
  const files = {
    'signing.pfx': Buffer.from(keys.signingPfx, 'base64'),
    'encryption.pfx': Buffer.from(keys.encryptionPfx, 'base64'),
  };
  const answered = await folder.withFiles(files, (at) =>
    hyperV.call('import-guardian', {
      Name: name,
      SigningThumbprint: signingThumbprint,
      EncryptionThumbprint: encryptionThumbprint,
      SigningPath: join(at, 'signing.pfx'),
      EncryptionPath: join(at, 'encryption.pfx'),
      Password: keys.password,
    }),
  );
  if (!answered.ok) return answered;
  const { state, guardian } = answered.value;
  if (state === 'name-taken') return failed(nameTaken(guardian, from));
  if (guardian.hasPrivateKey && isThat(guardian, { signingThumbprint, encryptionThumbprint }))
    return succeeded({ state, guardian });
  const message = `Hyper-V made guardian "${guardian.name}", and not of the certificates that came, or without their private keys`;
  const remedy = `Look at it (hyperferry agent guardian list), remove it (Remove-HgsGuardian) and import again.`;
  return failed(failureOf('HyperVRefused', { message, effect: 'applied', remedy }));
}

const isThat = (
  one: Pick<GuardianFacts, 'signingThumbprint' | 'encryptionThumbprint'>,
  other: Pick<GuardianFacts, 'signingThumbprint' | 'encryptionThumbprint'>,
): boolean =>
  one.signingThumbprint === other.signingThumbprint && one.encryptionThumbprint === other.encryptionThumbprint;

/** What can be said without its secret: whether the guardian that the sealed file names is here. */
async function alreadyHere(hyperV: GuardianCalls, { guardian }: SealedGuardian): Promise<Outcome<Imported>> {
  const listed = await listGuardians(hyperV);
  if (!listed.ok) return listed;
  const here = listed.value.find((one) => one.hasPrivateKey && isThat(one, guardian));
  if (here !== undefined) return succeeded({ state: 'already', guardian: here });
  const message =
    'the offer that this guardian was sealed to is not open here: it was used, has expired, or was made elsewhere';
  const remedy = 'Make a new offer (hyperferry agent guardian offer) and have the guardian exported for that.';
  return failed(failureOf('NotFound', { message, subject: { field: 'SEALED.offerId' }, remedy }));
}

const forAnother = ({ to }: SealedGuardian, hostId: string): Failure =>
  failureOf('RequestInvalid', {
    message: `the guardian is sealed for ${to}, and this host is ${hostId}`,
    subject: { field: 'SEALED.to', value: to },
    remedy: `Import it on ${to}; for this host, make an offer here and export for that.`,
  });

const nameTaken = ({ name, encryptionThumbprint }: GuardianFacts, from: string): Failure =>
  failureOf('DestinationOccupied', {
    message: `another guardian "${name}" is here, with other certificates (${encryptionThumbprint})`,
    subject: { field: 'name', value: name },
    remedy: `Import it under another name (--as "${name} of ${from}"): VMs are opened by the certificates, not by the name.`,
  });

/** Has the folder while `work` is done. Failures of the folder itself are values; anything else that is thrown is a bug and goes on. */
async function inFolder<T>(
  stateFolder: string,
  nowMs: number,
  work: (folder: GuardianFolder) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  const folder = await GuardianFolder.open(stateFolder, nowMs);
  if (!folder.ok) return folder;
  try {
    return await work(folder.value);
  } catch (thrown) {
    if (errorCode(thrown) === undefined) throw thrown;
    return failed(failureOfIo(thrown, 'the folder for guardians', 'unknown'));
  } finally {
    folder.value.close();
  }
}
