import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { succeeded, type Outcome } from '../../../../contracts/failure';
import { hostId, runId, vmId } from '../../../../contracts/ids';
import { pullSubject, type PullSubject } from '../../../../contracts/operations';
import type { TicketClaims } from '../../../../contracts/ticket';
import { generateSigningKey, signingKeyFrom, signTicket } from '../../../../relay/signing';
import { systemClock } from '../../../clock';
import type { Log } from '../../../log';
import { valueOf } from '../../failures';
import { ensureCertificate, type AgentCertificate } from '../certificate';
import type { RoutePace } from '../limits';
import type { PullFileRequest } from '../pull';
import { startByteRoute, type ByteRoute, type ByteRouteOptions } from '../server';

/** What the tests of the byte route share: two hosts with certificates, an app with its key, disks, a pace that does not make one wait. */
export const mib = 1024 * 1024;

export const quickPace: RoutePace = {
  helloMsMax: 5_000,
  silenceMsMax: 5_000,
  aliveMs: 500,
  unreachableMsMax: 8_000,
  reconnectMsMin: 5,
  reconnectMsMax: 40,
  flushMsMax: 20,
  reportMs: 20,
};

export const sourceHost = hostId.parse('source-host');
export const destinationHost = hostId.parse('destination-host');
export const run = runId.parse('move-1-r1');
export const imageSubject: PullSubject = pullSubject.parse({ type: 'image', diskId: 'scsi-0-0', index: 0 });
export const fileSubject: PullSubject = { type: 'file', file: 'memory' };

export const silentLog: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

export const appKey = signingKeyFrom(generateSigningKey().privateKeyBase64);
export const otherAppKey = signingKeyFrom(generateSigningKey().privateKeyBase64);

export type Hosts = {
  readonly folder: string;
  readonly source: AgentCertificate;
  readonly destination: AgentCertificate;
  readonly remove: () => Promise<void>;
};

export async function makeHosts(): Promise<Hosts> {
  const folder = await mkdtemp(join(tmpdir(), 'hyperferry-route-'));
  const source = valueOf(await ensureCertificate(join(folder, 'source'), sourceHost, systemClock));
  const destination = valueOf(await ensureCertificate(join(folder, 'destination'), destinationHost, systemClock));
  return { folder, source, destination, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Of a ticket for whoever shows this certificate. */
const claimsOf = (
  subject: PullSubject,
  destinationCertificateSha256: string,
  changes: Partial<TicketClaims>,
): TicketClaims => ({
  contract: 1,
  runId: run,
  vmId: vmId.parse('6f9619ff-8b86-d011-b42d-00c04fc964ff'),
  subject,
  sourceHost,
  destinationHost,
  destinationCertificateSha256,
  expiresAtMs: systemClock.now() + 60_000,
  ...changes,
});

export const claimsFor = (hosts: Hosts, subject: PullSubject, changes: Partial<TicketClaims> = {}): TicketClaims =>
  claimsOf(subject, hosts.destination.sha256, changes);

export const ticketFor = (hosts: Hosts, subject: PullSubject, changes: Partial<TicketClaims> = {}): string =>
  signTicket(appKey, claimsFor(hosts, subject, changes));

/** For a destination that is a process of its own. It may be used for `validMs`. */
export const ticketOf = (subject: PullSubject, destinationCertificateSha256: string, validMs: number): string =>
  signTicket(appKey, claimsOf(subject, destinationCertificateSha256, { expiresAtMs: systemClock.now() + validMs }));

/** As a source that is a process of its own is told of it. */
export const appPublicKeyBase64 = appKey.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');

/** A source that serves one file. */
export function startSource(hosts: Hosts, path: string, changes: Partial<ByteRouteOptions> = {}): Promise<ByteRoute> {
  return startByteRoute({
    listenAddress: '127.0.0.1',
    port: 0,
    certificate: hosts.source,
    appPublicKeys: [appKey.publicKey],
    hostId: sourceHost,
    clock: systemClock,
    locate: async () => succeeded({ path }),
    log: silentLog,
    pace: quickPace,
    ...changes,
  });
}

/** A pull of what that source serves. */
export function pullOf(hosts: Hosts, port: number, changes: Partial<PullFileRequest> = {}): PullFileRequest {
  const subject = changes.subject ?? imageSubject;
  return {
    runId: run,
    subject,
    ticket: ticketFor(hosts, subject),
    peer: { address: '127.0.0.1', port, certificateSha256: hosts.source.sha256 },
    clientCertificate: hosts.destination,
    path: join(hosts.folder, 'copy'),
    journalPath: join(hosts.folder, 'copy.journal'),
    bandwidthBytesPerSecondMax: null,
    ledgerWatermarkBytes: null,
    clock: systemClock,
    signal: new AbortController().signal,
    report: () => undefined,
    pace: quickPace,
    ...changes,
  };
}

export const failureCodeOf = (outcome: Outcome<unknown>): string => (outcome.ok ? 'none' : outcome.failure.code);

export async function watermarkIn(journalPath: string): Promise<number> {
  const marks = (await readFile(journalPath, 'utf8')).matchAll(/"watermarkBytes":(\d+)/g);
  return Math.max(0, ...[...marks].map((found) => Number(found[1])));
}
