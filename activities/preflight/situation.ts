import type { Failure, Outcome } from '../../contracts/failure';
import type { HostId } from '../../contracts/ids';
import type { Inspection } from '../../contracts/inspection';
import type { MigrationRequest } from '../../contracts/migration';

/** A host that was asked, and what it said. Times are of the app's own clock, in milliseconds. */
export type AskedHost = {
  readonly hostId: HostId;
  readonly answer: Outcome<Inspection>;
  readonly askedAtMs: number;
  readonly answeredAtMs: number;
};

/** All that checks look at. Where a kind stays on one host, source and destination are the same object. */
export type Situation = {
  readonly request: MigrationRequest;
  readonly source: AskedHost;
  readonly destination: AskedHost;
  /** Why the hosts could not be given access to storage; null where they were, or the route is not staged. */
  readonly noAccess: Failure | null;
};
