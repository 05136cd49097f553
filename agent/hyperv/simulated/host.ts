import type { Outcome } from '../../../contracts/failure';
import type { VmId } from '../../../contracts/ids';
import type { OperationInput, OperationOutput } from '../../../contracts/operations';
import type { Clock } from '../../clock';
import type { DriverContext, DriverOperationKind } from '../driver';
import type { Fabric } from './fabric/fabric';
import type { Guest } from './guest/guest';
import type { CrashPoint } from './hooks';
import type { HostLayout } from './layout';
import type { KeyedLocks } from '../locks';
import { resolveBelowRoots } from '../paths';
import type { HostRecord } from './records';
import type { HostState } from './state';

/** A simulated host at work: what the operations share. */
export type SimulatedHost = {
  readonly layout: HostLayout;
  readonly record: HostRecord;
  readonly state: HostState;
  /** The guests of running VMs. */
  readonly guests: Map<VmId, Guest>;
  readonly locks: KeyedLocks;
  /** What it shares with other hosts; undefined for one that stands alone. */
  readonly fabric: Fabric | undefined;
  /** Moves by the hypervisor that are under way here. */
  readonly jobs: Map<VmId, 'live' | 'storage'>;
  readonly clock: Clock;
  readonly newGuid: () => string;
  readonly log: (message: string) => void;
  readonly reached: (point: CrashPoint) => Promise<void>;
  /** Has the host finish, as soon as nothing else is done to the VM, what an error cut short of it: see `bringUp`. */
  readonly bringUpLater: (vmId: VmId) => void;
};

/** How the host carries an operation out. Runs with the locks of the VM held; long ones look at `context.signal`. */
export type Handler<K extends DriverOperationKind> = (
  host: SimulatedHost,
  context: DriverContext,
  input: OperationInput<K>,
) => Promise<Outcome<OperationOutput<K>>>;

/** Folders below which files of VMs may be used now: not those of LUNs that another host has. */
export const rootsOf = (host: SimulatedHost): string[] =>
  host.record.volumes.map((volume) => volume.root).filter((root) => host.fabric?.isMasked(root) !== true);

/** A path that came from outside as a real one below an allowed root; PathOutsideRoots otherwise. */
export const resolveOnHost = (host: SimulatedHost, path: string): Promise<Outcome<string>> =>
  resolveBelowRoots(path, host.layout.folder, rootsOf(host));
