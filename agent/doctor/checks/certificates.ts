import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeThrown } from '../../../contracts/failure';
import { isMissing } from '../../files';
import { critical, fine, skipped, warning, type Check, type Verdict } from '../check';
import { daysOf } from '../units';

const daysLeftMin = 30;

/** What is wrong with a PEM file that has to hold a certificate with its private key; days until it ends where nothing is. */
async function readPem(path: string, nowMs: number): Promise<{ why: string } | { daysLeft: number; subject: string }> {
  try {
    const pem = await readFile(path, 'utf8');
    const certificate = new X509Certificate(pem);
    if (!certificate.checkPrivateKey(createPrivateKey(pem)))
      return { why: 'its private key is not the one of its certificate' };
    const notYetMs = Date.parse(certificate.validFrom) - nowMs;
    if (notYetMs > 0) return { why: `its certificate is valid from ${certificate.validFrom} on` };
    const leftMs = Date.parse(certificate.validTo) - nowMs;
    if (leftMs <= 0) return { why: `its certificate has ended: ${certificate.validTo}` };
    return { daysLeft: daysOf(leftMs), subject: certificate.subject.replaceAll('\n', ', ') };
  } catch (thrown) {
    return { why: isMissing(thrown) ? 'there is no such file' : describeThrown(thrown) };
  }
}

export const byteRouteCertificate: Check = {
  id: 'byte-route-certificate',
  looksAt: 'the certificate by which peers know this agent',
  async look(see): Promise<Verdict> {
    if ((await see.stateFolder()).type === 'unusable') return skipped('the state folder cannot be used (state-folder)');
    const { config, clock } = see.parts;
    const path = join(config.stateFolder, 'byte-route.pem');
    const read = await readPem(path, clock.now());
    if (!('why' in read)) return fine(`${path} is good for ${read.daysLeft} days; the agent renews it by itself`);
    if (read.why === 'there is no such file') return fine('there is none yet: the first start makes it');
    if (read.why.startsWith('its certificate')) return fine(`${read.why}; the next start makes another`);
    return critical(
      `${path} is no certificate with its key: ${read.why}`,
      'Let the account of the agent read the file, or move it away: the next start makes a new one, and peers are told of it.',
    );
  },
};

export const relayCertificate: Check = {
  id: 'relay-certificate',
  looksAt: 'the certificate by which the agent signs in to Entra ID',
  async look({ parts: { config, clock } }): Promise<Verdict> {
    const { identity } = config.relay;
    if (identity.type !== 'client-certificate') return skipped(`the agent signs in by ${identity.type}`);
    const path = identity.certificatePath;
    const read = await readPem(path, clock.now());
    if ('why' in read)
      return critical(
        `relay.entra.certificatePath is ${path}: ${read.why}`,
        'Name a PEM file with a certificate that the app registration knows and with its private key, which the account of the agent may read.',
      );
    const found = `${path} (${read.subject}) is good for ${read.daysLeft} days`;
    return read.daysLeft < daysLeftMin
      ? warning(found, 'Make a new certificate, add it to the app registration, and replace the file before that day.')
      : fine(found);
  },
};
