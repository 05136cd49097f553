import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { describeThrown, failed, failureOf, succeeded, type Outcome } from '../contracts/failure';
import type { Clock } from './clock';
import type { AgentConfig } from './config';
import { ensureCertificate, type AgentCertificate } from './disks/route/certificate';
import { pullFile } from './disks/route/pull';
import { copiedAsVhdx, routeImages, type RouteImages } from './disks/route/route-images';
import { startByteRoute, type ByteRoute, type ByteRouteOptions } from './disks/route/server';
import { writeFileDurably } from './files';
import type { HyperVDriver } from './hyperv/driver';
import type { Log } from './log';
import type { Pull } from './operations/handlers';
import { isAddressTaken } from './thrown';

export type RouteParts = {
  readonly config: AgentConfig;
  readonly driver: HyperVDriver;
  readonly clock: Clock;
  readonly log: Log;
  /** Identifies the images that pulls write. */
  readonly newGuid: () => string;
};

/** The byte route of this agent: what it serves to peers, and how it pulls from them. */
export type AgentRoute = {
  readonly served: ByteRoute;
  readonly certificate: AgentCertificate;
  readonly pull: Pull;
  readonly images: RouteImages;
};

const portFile = z.object({ port: z.int().min(1).max(65_535) });

/** The port of the last start, if it is known. What cannot be read is as if it were not there: another port does no harm. */
async function rememberedPort(path: string): Promise<number | undefined> {
  try {
    return portFile.parse(JSON.parse(await readFile(path, 'utf8'))).port;
  } catch {
    return undefined;
  }
}

/**
 * Starts the byte route on the configured port, which must be free (RequestInvalid), or for port 0 on that of the last start if it is
 * free, else on any. Peers are told of the port by the app, so a new one is no harm, but a steady one is kinder to firewalls.
 */
export async function startAgentRoute(parts: RouteParts): Promise<Outcome<AgentRoute>> {
  const { config, driver, clock, log } = parts;
  const images = routeImages(parts.newGuid, () => clock.now());
  const certificate = await ensureCertificate(config.stateFolder, config.hostId, clock);
  if (!certificate.ok) return certificate;

  const listen = (port: number): Promise<Outcome<ByteRoute> | 'taken'> =>
    tryToListen({
      listenAddress: config.byteRoute.listenAddress,
      port,
      certificate: certificate.value,
      appPublicKeys: config.appPublicKeys,
      hostId: config.hostId,
      clock,
      locate: ({ runId, vmId, subject }) => driver.locateForReading(runId, vmId, subject),
      log,
      images,
    });

  const path = join(config.stateFolder, 'byte-route.json');
  const remembered = config.byteRoute.port === 0 ? await rememberedPort(path) : undefined;
  const wanted = remembered ?? config.byteRoute.port;
  let served = await listen(wanted);
  if (served === 'taken' && remembered !== undefined) {
    log.warn('the byte route port of the last start is taken; another is used', { port: remembered });
    served = await listen(0);
  }
  if (served === 'taken') return failed(portTaken(config, wanted));
  if (!served.ok) return served;
  if (config.byteRoute.port === 0 && served.value.port !== remembered)
    await writeFileDurably(path, `${JSON.stringify({ port: served.value.port })}\n`);
  return succeeded({
    served: served.value,
    certificate: certificate.value,
    pull: pullWith(certificate.value, clock, images, config.byteRoute),
    images,
  });
}

async function tryToListen(options: ByteRouteOptions): Promise<Outcome<ByteRoute> | 'taken'> {
  try {
    return succeeded(await startByteRoute(options));
  } catch (thrown) {
    if (isAddressTaken(thrown)) return 'taken';
    const message = `the byte route cannot listen on ${options.listenAddress}:${options.port}: ${describeThrown(thrown)}`;
    const subject = { field: 'byteRoute.listenAddress', value: options.listenAddress };
    return failed(failureOf('RequestInvalid', { message, subject, remedy: 'Name an address of this host.' }));
  }
}

const portTaken = ({ byteRoute: { listenAddress } }: AgentConfig, port: number) =>
  failureOf('RequestInvalid', {
    message: `byteRoute.port is ${port}, which another program listens on at ${listenAddress}`,
    subject: { field: 'byteRoute.port', value: String(port) },
    remedy: 'End that program, choose another port, or 0 for any that is free.',
  });

const pullWith =
  (
    clientCertificate: AgentCertificate,
    clock: Clock,
    images: RouteImages,
    { streamsMax: max, streamBytesMin: bytesEachMin }: AgentConfig['byteRoute'],
  ): Pull =>
  ({ runId, input, path, journalPath, seed, signal, report }) => {
    const { subject, bandwidthBytesPerSecondMax, bandwidthHours, ledgerWatermarkBytes, convertTo } = input;
    const { address, port, certificateSha256, ticket } = input.peer;
    return pullFile({
      runId,
      subject,
      ticket,
      peer: { address, port, certificateSha256 },
      clientCertificate,
      path,
      journalPath,
      bandwidthBytesPerSecondMax,
      bandwidthHours,
      ledgerWatermarkBytes,
      seed,
      streams: { max, bytesEachMin },
      clock,
      images: convertTo === undefined ? images : copiedAsVhdx(images),
      signal,
      report,
    });
  };
