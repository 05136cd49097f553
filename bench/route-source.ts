import { z } from 'zod';
import { succeeded } from '../contracts/failure';
import { hostId } from '../contracts/ids';
import { systemClock } from '../agent/clock';
import { ensureCertificate, startByteRoute } from '../agent/disks/route';
import { createLineLog } from '../agent/log';
import { publicKeyFrom } from '../relay/signing';
import { linesIn, peakRssBytes, say, settingsOf } from './route-process';

const point = z.object({ trackingId: z.string().nullable(), contentId: z.string() });
const changes = z.object({ since: point, until: point, ranges: z.array(z.tuple([z.int(), z.int()])) });

/** A source host's byte route as a process of its own: serves one file to whoever has a ticket. */
const settings = settingsOf(
  z.object({
    hostId,
    folder: z.string(),
    path: z.string(),
    appPublicKeyBase64: z.string(),
    port: z.int().default(0),
    /** What changed of the file, for a delta; without it, all of it is served. */
    changes: changes.optional(),
  }),
);

async function main(): Promise<void> {
  const certificate = await ensureCertificate(settings.folder, settings.hostId, systemClock);
  if (!certificate.ok) throw new Error(certificate.failure.message);
  const { port } = await startByteRoute({
    listenAddress: '127.0.0.1',
    port: settings.port,
    certificate: certificate.value,
    appPublicKeys: [publicKeyFrom(settings.appPublicKeyBase64)],
    hostId: settings.hostId,
    clock: systemClock,
    locate: async () => succeeded({ path: settings.path, ...(settings.changes && { changes: settings.changes }) }),
    log: createLineLog((line) => process.stderr.write(`${line}\n`), systemClock),
  });
  const lines = linesIn();
  lines.on('line', () => say({ peakRssBytes: peakRssBytes(), cpu: process.cpuUsage() }));
  say({ port, certificateSha256: certificate.value.sha256 });
}

void main();
