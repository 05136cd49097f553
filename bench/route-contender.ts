import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hostId, runId, vmId } from '../contracts/ids';
import { pullSubject } from '../contracts/operations';
import { generateSigningKey, signingKeyFrom, signTicket } from '../relay/signing';
import { destinationReady, processUse, pullEnd, sourceReady, startRouteProcess } from './route-processes';

export type RouteContender = {
  /** Copies once, into a process that is started for it and waits. Answers the seconds from the request to the durable outcome. */
  readonly copy: (target: string) => Promise<number>;
  readonly peakRssBytes: () => Promise<{ readonly source: number; readonly destination: number }>;
  readonly stop: () => Promise<void>;
};

const run = runId.parse('bench-r1');
const subject = pullSubject.parse({ type: 'image', diskId: 'scsi-0-0', index: 0 });
const sourceHost = hostId.parse('bench-source');
const destinationHost = hostId.parse('bench-destination');

/** The byte route between two processes, as between two agents. */
export async function startRouteContender(folder: string, image: string): Promise<RouteContender> {
  const { privateKeyBase64, publicKeyBase64 } = generateSigningKey();
  const key = signingKeyFrom(privateKeyBase64);
  const source = startRouteProcess('route-source', {
    hostId: sourceHost,
    folder: join(folder, 'source'),
    path: image,
    appPublicKeyBase64: publicKeyBase64,
  });
  const { port, certificateSha256 } = await source.next(sourceReady);
  let destinationPeak = 0;

  const copy = async (target: string): Promise<number> => {
    const destination = startRouteProcess('route-destination', {
      hostId: destinationHost,
      folder: join(folder, 'destination'),
    });
    try {
      const shown = await destination.next(destinationReady);
      const ticket = signTicket(key, {
        contract: 1,
        runId: run,
        vmId: vmId.parse('6f9619ff-8b86-d011-b42d-00c04fc964ff'),
        subject,
        sourceHost,
        destinationHost,
        destinationCertificateSha256: shown.certificateSha256,
        expiresAtMs: Date.now() + 60_000,
      });
      const beganMs = performance.now();
      destination.tell({
        runId: run,
        subject,
        ticket,
        peer: { address: '127.0.0.1', port, certificateSha256 },
        path: target,
        journalPath: `${target}.journal`,
        bandwidthBytesPerSecondMax: null,
        ledgerWatermarkBytes: null,
      });
      const { outcome, peakRssBytes } = await destination.next(pullEnd);
      const seconds = (performance.now() - beganMs) / 1000;
      if (!outcome.ok) throw new Error(`the byte route failed: ${JSON.stringify(outcome)}`);
      destinationPeak = Math.max(destinationPeak, peakRssBytes);
      return seconds;
    } finally {
      await destination.kill();
      await rm(`${target}.journal`, { force: true });
    }
  };
  const peakRssBytes = async (): Promise<{ source: number; destination: number }> => {
    source.tell('use');
    return { source: (await source.next(processUse)).peakRssBytes, destination: destinationPeak };
  };
  return { copy, peakRssBytes, stop: () => source.kill() };
}
