import type { HostFacts, Leftover, VmFacts } from '../../contracts/facts';
import type { Outcome } from '../../contracts/failure';
import type { HostId, RunId, VmId } from '../../contracts/ids';
import type { Inspection, InspectionRequest } from '../../contracts/inspection';
import type {
  ByteRouteKind,
  OperationInput,
  OperationKind,
  OperationOutput,
  OperationProgress,
  PullSubject,
} from '../../contracts/operations';

/** Operations that a driver carries out itself. The byte route has its own, and asks the driver only where things are. */
export type DriverOperationKind = Exclude<OperationKind, ByteRouteKind>;

export type DriverContext = {
  readonly runId: RunId;
  /** Aborted when the operation is canceled or a newer epoch of the run arrives; the operation stops at the next safe point. */
  readonly signal: AbortSignal;
  readonly report: (progress: OperationProgress) => void;
};

/** What changed of an image between two points of its history, each named by the tracking of its host and by a content id. */
export type ImageChanges = {
  readonly since: ContentPoint;
  readonly until: ContentPoint;
  /** Ascending, not touching: offset and length in bytes. */
  readonly ranges: readonly (readonly [offsetBytes: number, lengthBytes: number])[];
};
export type ContentPoint = {
  /** Null where no change tracking tells. */
  readonly trackingId: string | null;
  /** The data write id of a copy that stands at this point. */
  readonly contentId: string;
};

/** A file that the byte route may serve: all of it, or what changed of the image that it is. */
export type ServedFile = { readonly path: string; readonly changes?: ImageChanges };

/** All of an inspection that the agent does not know of itself. */
export type DriverInspection = Omit<Inspection, 'agentVersion' | 'contract' | 'seeds' | 'storage'>;

/** What keeps others from the ports of the host. Each is "make it so". */
export type HostFirewall = {
  /** Lets peers reach the byte route of this agent on a port, and on no port that it had before. */
  readonly open: (host: HostId, port: number) => Promise<Outcome<void>>;
  readonly close: (host: HostId) => Promise<Outcome<void>>;
};

/**
 * A Hyper-V host, real or simulated. Both implementations pass test/conformance/hyperv-driver.ts.
 *
 * Each operation is "make it so": carried out twice, or again after a crash in the middle, it ends in the same state and answers the
 * same. An undo treats "already gone" as success. Failures are values, classified here.
 */
export interface HyperVDriver {
  readonly name: HostFacts['driver'];
  /** Absent where there is none that this driver could open. */
  readonly firewall?: HostFirewall;
  host(): Promise<Pick<HostFacts, 'memoryBytes' | 'memoryFreeBytes' | 'volumes' | 'switches'>>;
  vms(): Promise<VmFacts[]>;
  vm(vmId: VmId): Promise<VmFacts | undefined>;
  /** Looks at what preflight asks for, and changes nothing. Never waits for an operation. */
  inspect(request: InspectionRequest): Promise<DriverInspection>;
  perform<K extends DriverOperationKind>(
    kind: K,
    context: DriverContext,
    input: OperationInput<K>,
  ): Promise<Outcome<OperationOutput<K>>>;
  /** The file that the byte route may serve to this run. Refuses what the VM still writes, and what is not this run's. */
  locateForReading(run: RunId, vmId: VmId, subject: PullSubject): Promise<Outcome<ServedFile>>;
  /** Where the byte route writes for this run's placeholder, inside its folder, and where its journal belongs. */
  locateForWriting(
    run: RunId,
    vmId: VmId,
    folder: string,
    subject: PullSubject,
  ): Promise<Outcome<{ path: string; journalPath: string }>>;
  /** A disk that a request names as a seed: where it really is, and the roots below which its parents must be. `PathOutsideRoots`. */
  locateSeed(path: string): Promise<Outcome<{ readonly path: string; readonly roots: readonly string[] }>>;
  /** Everything that carries a run's mark, of one run or of all. */
  leftovers(run?: RunId): Promise<Leftover[]>;
  close(): Promise<void>;
}
