import type { BandwidthHours } from '../../../contracts/bandwidth';
import type { Failure } from '../../../contracts/failure';
import type { RunId } from '../../../contracts/ids';
import type { OperationProgress } from '../../../contracts/operations';
import type { Clock } from '../../clock';
import type { StagingAccess } from '../../../contracts/operations';
import type { AccessHolder } from './access';
import type { BlockStore } from './block-store';
import type { StagingKeys } from './keys';
import type { StagedPace } from './limits';

/** What both ends of the staged route are given. */
export type StagedRequest = {
  readonly runId: RunId;
  /** Name of the file among those of the run. */
  readonly name: string;
  readonly keys: StagingKeys;
  readonly access: AccessHolder;
  readonly storeOf: (access: StagingAccess) => BlockStore;
  readonly bandwidthBytesPerSecondMax: number | null;
  readonly bandwidthHours: BandwidthHours | null;
  /** Up to where the ledger has the copy as durable at the destination; null when it holds nothing. */
  readonly ledgerWatermarkBytes: number | null;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly report: (progress: OperationProgress) => void;
  readonly pace: StagedPace;
};

/** Something of either end is left, at least its journal or its manifest. */
export const applied = (failure: Failure): Failure => ({ ...failure, effect: 'applied' });
