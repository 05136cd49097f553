import { z } from 'zod';
import { hostId, runId } from '../contracts/ids';
import { pullSubject } from '../contracts/operations';
import { systemClock } from '../agent/clock';
import { ensureCertificate, pullFile } from '../agent/disks/route';
import { linesIn, peakRssBytes, say, settingsOf } from './route-process';

/** A destination host's pull as a process of its own: says its certificate, waits for the rest, pulls, says the outcome. */
const settings = settingsOf(z.object({ hostId, folder: z.string() }));

const pullSettings = z.object({
  runId,
  subject: pullSubject,
  ticket: z.string(),
  peer: z.object({ address: z.string(), port: z.int(), certificateSha256: z.string() }),
  path: z.string(),
  journalPath: z.string(),
  bandwidthBytesPerSecondMax: z.int().positive().nullable(),
  ledgerWatermarkBytes: z.int().nonnegative().nullable(),
  streams: z.object({ max: z.int().positive(), bytesEachMin: z.int().positive() }).optional(),
  seed: z.object({ path: z.string(), roots: z.array(z.string()) }).optional(),
});

async function main(): Promise<void> {
  const certificate = await ensureCertificate(settings.folder, settings.hostId, systemClock);
  if (!certificate.ok) throw new Error(certificate.failure.message);
  const clientCertificate = certificate.value;
  const pull = async (line: string): Promise<void> => {
    const request = pullSettings.parse(JSON.parse(line));
    const { signal } = new AbortController();
    const before = process.cpuUsage();
    const report = (progress: unknown): void => say({ progress });
    const outcome = await pullFile({ ...request, clientCertificate, clock: systemClock, signal, report });
    say({ outcome, peakRssBytes: peakRssBytes(), cpu: process.cpuUsage(before) });
  };
  linesIn().on('line', (line) => void pull(line));
  say({ certificateSha256: clientCertificate.sha256 });
}

void main();
