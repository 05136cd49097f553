import type { HostFacts, Leftover, VmFacts } from '../../contracts/facts';
import type { Outcome } from '../../contracts/failure';
import type { RunId, VmId } from '../../contracts/ids';
import type {
  OperationInput,
  OperationKind,
  OperationOutput,
  OperationProgress,
  PullSubject,
} from '../../contracts/operations';

/** Operations that a driver carries out itself; `pull` is the byte route's, which asks the driver only where things are. */
export type DriverOperationKind = Exclude<OperationKind, 'pull'>;

export type DriverContext = {
  readonly runId: RunId;
  /** Aborted when the operation is canceled or a newer epoch of the run arrives; the operation stops at the next safe point. */
  readonly signal: AbortSignal;
  readonly report: (progress: OperationProgress) => void;
};

/**
 * A Hyper-V host, real or simulated. Both implementations pass test/conformance/hyperv-driver.ts.
 *
 * Each operation is "make it so": carried out twice, or again after a crash in the middle, it ends in the same state and answers the
 * same. An undo treats "already gone" as success. Failures are values, classified here.
 */
export interface HyperVDriver {
  readonly name: HostFacts['driver'];
  host(): Promise<Pick<HostFacts, 'memoryBytes' | 'memoryFreeBytes' | 'volumes' | 'switches'>>;
  vms(): Promise<VmFacts[]>;
  vm(vmId: VmId): Promise<VmFacts | undefined>;
  perform<K extends DriverOperationKind>(
    kind: K,
    context: DriverContext,
    input: OperationInput<K>,
  ): Promise<Outcome<OperationOutput<K>>>;
  /** The file that the byte route may serve to this run. Refuses what the VM still writes, and what is not this run's. */
  locateForReading(run: RunId, vmId: VmId, subject: PullSubject): Promise<Outcome<{ path: string }>>;
  /** Where the byte route writes for this run's placeholder, inside its folder, and where its journal belongs. */
  locateForWriting(
    run: RunId,
    vmId: VmId,
    folder: string,
    subject: PullSubject,
  ): Promise<Outcome<{ path: string; journalPath: string }>>;
  /** Everything that carries a run's mark, of one run or of all. */
  leftovers(run?: RunId): Promise<Leftover[]>;
  close(): Promise<void>;
}
