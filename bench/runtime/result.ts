import type { DiskFloor } from './disk-floor';
import type { Measured } from './measure';
import type { PeerResult } from './peer';
import type { ColdReplay, OpenInstances } from './workloads';

export type RuntimeResult = {
  readonly disk: DiskFloor;
  readonly measured: readonly Measured[];
  /** Seconds an activity in the long chain by seconds an activity in the short one: 1 when cost grows linearly. */
  readonly chainGrowth: number;
  readonly replay: ColdReplay;
  readonly open: OpenInstances;
  readonly peer: PeerResult;
};
