import type { BandwidthHours } from '../../../contracts/bandwidth';
import type { RunId } from '../../../contracts/ids';
import type { OperationProgress, PullSubject } from '../../../contracts/operations';
import type { Clock } from '../../clock';
import type { RouteImages } from './route-images';
import type { RoutePace, StreamsWanted } from './limits';
import type { SeedPlace } from './seed/seed';
import type { SourcePeer } from './source-connection';

export type PullRequest = {
  readonly runId: RunId;
  readonly subject: PullSubject;
  /** Signed by the app; entitles to this subject of this run. */
  readonly ticket: string;
  readonly peer: SourcePeer;
  /** PEM; the ticket holds its SHA-256. */
  readonly clientCertificate: { readonly key: string; readonly cert: string };
  /** Where the copy is made. */
  readonly path: string;
  readonly journalPath: string;
  readonly bandwidthBytesPerSecondMax: number | null;
  /** Hours in which another limit holds. */
  readonly bandwidthHours?: BandwidthHours | null;
  /** What the ledger holds of this transfer; null when it holds nothing. */
  readonly ledgerWatermarkBytes: number | null;
  /** A disk that may hold much of what is to come. Of use for an image alone. */
  readonly seed?: SeedPlace | undefined;
  /** TCP connections for the content, by default `streamsDefault`. */
  readonly streams?: StreamsWanted | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly report: (progress: OperationProgress) => void;
  readonly images: RouteImages;
  readonly pace: RoutePace;
};
