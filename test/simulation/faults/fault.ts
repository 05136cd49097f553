import type { AcceptedRequest, RunReport } from '../../../contracts/migration';
import type { Draw } from '../platform/chance';
import type { Site } from '../world/site';

/** One fault of a seed, as it was drawn. The numbers mean what its kind makes of them. */
export type Fault = {
  readonly number: number;
  readonly kind: string;
  readonly machine: string;
  /** When it begins, counted from the start of the batch. */
  readonly atMs: number;
  /** How long it lasts, or how long the machine is away. */
  readonly forMs: number;
  /** Which act of its sort it strikes, counted from its beginning. */
  readonly nth: number;
  /** A share from 0 to 1: of messages, of sectors. */
  readonly share: number;
  /** Which of the batch's moves it concerns. */
  readonly move: number;
};

export type FaultSetting = {
  readonly site: Site;
  /** A stream of its own for each fault. */
  readonly draw: Draw;
  /** Asks a person to cancel a move. */
  readonly cancel: (move: number) => void;
  readonly mark: (mark: string) => void;
  /** Whether a move's VM is at its new place for good. */
  readonly hasMoved: (move: number) => boolean;
  /** What a move's run says of itself; undefined before it says anything and after its end. */
  readonly reportOf: (move: number) => RunReport | undefined;
  readonly requests: readonly AcceptedRequest[];
  /** A reply of this machine did not arrive. */
  readonly replyLost: (machine: string) => void;
};

/** A kind of fault: how often it is drawn and what it does. */
export type FaultKind = {
  readonly name: string;
  readonly weight: number;
  readonly forMs: readonly [min: number, max: number];
  /** Called when its time has come; what it began ends after `forMs` by its own doing. */
  readonly strike: (fault: Fault, setting: FaultSetting) => void;
};
