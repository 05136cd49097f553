import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { hostId, runId, vmId } from '../../contracts/ids';
import { pullSubject } from '../../contracts/operations';
import { generateSigningKey, signingKeyFrom, signTicket, type SigningKey } from '../../relay/signing';
import { startCuttingProxy } from '../../agent/disks/route/testing/cutting-proxy';
import type { Taken } from './contender';
import { destinationReady, processUse, pullEnd, sourceReady, startRouteProcess } from '../route-processes';

export type RouteContender = {
  /** Copies once, into a process that is started for it and waits. The seconds are those from the request to the durable outcome. */
  readonly copy: (target: string) => Promise<Taken>;
  /** Copies once more, over a line that counts what comes from the source, encrypted as it is. */
  readonly wireBytesOfCopy: (target: string) => Promise<number>;
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
  const sourceUse = (): Promise<ProcessUse> => {
    source.tell('use');
    return source.next(processUse);
  };

  const copyFrom = async (servedPort: number, target: string): Promise<Taken> => {
    const destination = startRouteProcess('route-destination', {
      hostId: destinationHost,
      folder: join(folder, 'destination'),
    });
    try {
      const shown = await destination.next(destinationReady);
      const before = secondsOf(await sourceUse());
      const beganMs = performance.now();
      destination.tell({
        runId: run,
        subject,
        ticket: ticketFor(key, shown.certificateSha256),
        peer: { address: '127.0.0.1', port: servedPort, certificateSha256 },
        path: target,
        journalPath: `${target}.journal`,
        bandwidthBytesPerSecondMax: null,
        ledgerWatermarkBytes: null,
      });
      const { outcome, ...use } = await destination.next(pullEnd);
      const seconds = (performance.now() - beganMs) / 1000;
      if (!outcome.ok) throw new Error(`the byte route failed: ${JSON.stringify(outcome)}`);
      destinationPeak = Math.max(destinationPeak, use.peakRssBytes);
      const spent = secondsOf(await sourceUse()) - before;
      return { seconds, processorSeconds: { source: spent, destination: secondsOf(use) } };
    } finally {
      await destination.kill();
      await rm(`${target}.journal`, { force: true });
    }
  };
  return {
    copy: (target) => copyFrom(port, target),
    wireBytesOfCopy: async (target) => {
      const line = await startCuttingProxy(port, () => undefined);
      try {
        await copyFrom(line.port, target);
        return line.passedBytes();
      } finally {
        await line.close();
      }
    },
    peakRssBytes: async () => ({ source: (await sourceUse()).peakRssBytes, destination: destinationPeak }),
    stop: () => source.kill(),
  };
}

type ProcessUse = z.infer<typeof processUse>;

/** The source tells it of its whole life, the destination of its pull. */
const secondsOf = ({ cpu }: ProcessUse): number => (cpu.user + cpu.system) / 1e6;

const ticketFor = (key: SigningKey, destinationCertificateSha256: string): string =>
  signTicket(key, {
    contract: 1,
    runId: run,
    vmId: vmId.parse('6f9619ff-8b86-d011-b42d-00c04fc964ff'),
    subject,
    sourceHost,
    destinationHost,
    destinationCertificateSha256,
    expiresAtMs: Date.now() + 60_000,
  });
