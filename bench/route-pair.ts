import { join } from 'node:path';
import { pullSubject, type OperationProgress, type PullSubject } from '../contracts/operations';
import type { Served } from '../agent/disks/route/content-store';
import type { StreamsWanted } from '../agent/disks/route/limits';
import type { SeedPlace } from '../agent/disks/route/seed/seed';
import {
  appPublicKeyBase64,
  destinationHost,
  imageSubject,
  run,
  sourceHost,
  ticketOf,
} from '../agent/disks/route/testing/hosts';
import { destinationReady, sourceReady, startRouteProcess, type RouteProcess } from './route-processes';

/** Two hosts that trust one app, as processes that are started, killed and started again. */
export type RoutePair = {
  readonly source: (served: Served, port?: number) => Promise<SourceProcess>;
  /** A destination that is up and waits. */
  readonly destination: (onProgress?: (progress: OperationProgress) => void) => Promise<DestinationProcess>;
};

export type SourceProcess = RouteProcess & { readonly port: number; readonly certificateSha256: string };
export type DestinationProcess = RouteProcess & { readonly pull: (pull: Pull) => void };

export type Pull = {
  readonly from: Pick<SourceProcess, 'port' | 'certificateSha256'>;
  readonly path: string;
  readonly subject?: PullSubject;
  readonly bandwidthBytesPerSecondMax?: number;
  readonly ledgerWatermarkBytes?: number;
  readonly seed?: SeedPlace;
  readonly streams?: StreamsWanted | undefined;
};

export const changesSubject: PullSubject = pullSubject.parse({
  type: 'changes',
  diskId: 'scsi-0-0',
  index: 0,
  round: 1,
});

/** A source that was killed is connected to again with the ticket of before. */
const ticketMs = 600_000;

/** Certificates and keys are kept below the folder. */
export function routePair(folder: string): RoutePair {
  return {
    source: async (served, port = 0) => {
      const started = startRouteProcess('route-source', {
        hostId: sourceHost,
        folder: join(folder, 'source'),
        appPublicKeyBase64,
        port,
        ...served,
      });
      return { ...started, ...(await started.next(sourceReady)) };
    },
    destination: async (onProgress) => {
      const settings = { hostId: destinationHost, folder: join(folder, 'destination') };
      const started = startRouteProcess('route-destination', settings, onProgress);
      const { certificateSha256 } = await started.next(destinationReady);
      const pull = ({ from, path, subject = imageSubject, ...rest }: Pull): void =>
        started.tell({
          runId: run,
          subject,
          ticket: ticketOf(subject, certificateSha256, ticketMs),
          peer: { address: '127.0.0.1', port: from.port, certificateSha256: from.certificateSha256 },
          path,
          journalPath: journalOf(path),
          bandwidthBytesPerSecondMax: rest.bandwidthBytesPerSecondMax ?? null,
          ledgerWatermarkBytes: rest.ledgerWatermarkBytes ?? null,
          seed: rest.seed,
          streams: rest.streams,
        });
      return { ...started, pull };
    },
  };
}

export const journalOf = (copyPath: string): string => `${copyPath}.journal`;
