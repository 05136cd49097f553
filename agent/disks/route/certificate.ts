import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import type { HostId } from '../../../contracts/ids';
import { sha256Hex } from '../../../relay/signing';
import type { Clock } from '../../clock';
import { failureOfIo, isMissing, writeFileDurably } from '../../files';

const dayMs = 24 * 60 * 60_000;
/** Peers know the certificate by its SHA-256 and do not look at its dates; they are there for other tools. */
const lifetimeMs = 10 * 365 * dayMs;
const renewMsBefore = 30 * dayMs;

export type AgentCertificate = {
  /** PEM. */
  readonly key: string;
  /** PEM. */
  readonly cert: string;
  /** Of the DER form, hex: how peers know it. */
  readonly sha256: string;
};

/**
 * The agent's own certificate, with which it shows itself as server and as client of the byte route: loaded from the folder, or made
 * (ECDSA with P-256, signed by itself) and kept there in one file that only its owner may read. A new one is made 30 days before the old
 * one ends. `IoFailed`: the folder cannot be used, or holds a file that is no certificate with its key.
 */
export async function ensureCertificate(
  folder: string,
  hostId: HostId,
  clock: Pick<Clock, 'now'>,
): Promise<Outcome<AgentCertificate>> {
  const path = join(folder, 'byte-route.pem');
  try {
    const pem = await readIfThere(path);
    const loaded = pem === undefined ? undefined : parsePem(pem);
    if (pem !== undefined && loaded === undefined)
      return failed(failureOf('IoFailed', { message: `${path} holds no certificate with its key`, effect: 'none' }));
    if (loaded && Date.parse(new X509Certificate(loaded.cert).validTo) - renewMsBefore > clock.now())
      return succeeded(loaded);
    const made = await makeCertificate(hostId, clock.now());
    await mkdir(folder, { recursive: true });
    await writeFileDurably(path, `${made.key}\n${made.cert}\n`);
    return succeeded(made);
  } catch (thrown) {
    return failed(failureOfIo(thrown, `the certificate of the byte route in ${path}`, 'unknown'));
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw thrown;
  }
}

function parsePem(pem: string): AgentCertificate | undefined {
  const key = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/.exec(pem)?.[0];
  const cert = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(pem)?.[0];
  if (key === undefined || cert === undefined) return undefined;
  try {
    const parsed = new X509Certificate(cert);
    return parsed.checkPrivateKey(createPrivateKey(key)) ? { key, cert, sha256: sha256Hex(parsed.raw) } : undefined;
  } catch {
    return undefined;
  }
}

async function makeCertificate(hostId: HostId, nowMs: number): Promise<AgentCertificate> {
  const made = await generate([{ name: 'commonName', value: hostId }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(nowMs - dayMs),
    notAfterDate: new Date(nowMs + lifetimeMs),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
    ],
  });
  const parsed = parsePem(`${made.private}\n${made.cert}`);
  if (parsed === undefined)
    throw new Error('the package selfsigned made something else than a certificate with its key');
  return parsed;
}
