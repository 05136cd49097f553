import type { TypedData } from '../core/typed-data';
import type { HistoryEvent } from './history';

/** What a function of the app is for. */
export type FunctionKind = 'orchestrator' | 'activity' | 'entity' | 'http' | 'timer' | 'unsupported';

/** One turn of an orchestrator. The whole history goes with it: durable-functions replays from the start. */
export type OrchestratorTurn = {
  readonly instanceId: string;
  readonly executionId: string;
  readonly history: readonly HistoryEvent[];
  /** Events that the function has seen in an earlier turn; the SDK is told so by `IsPlayed`. */
  readonly playedCount: number;
  /** JSON text. */
  readonly input: string | null;
  readonly parentInstanceId: string | null;
  readonly sourceInstanceId: string | null;
  /**
   * How many of the orchestrator's actions the engine has followed so far: an answer may leave them out (`actionsFrom`). Null: the
   * engine wants all of them, from a replay of the whole history.
   */
  readonly knownActions: number | null;
};

export type EntityBatch = {
  readonly name: string;
  readonly key: string;
  readonly exists: boolean;
  readonly state: string | null;
  readonly operations: readonly {
    readonly id: string;
    readonly name: string;
    readonly input: string | null;
    readonly isSignal: boolean;
  }[];
};

/** The turn that follows when an activity returns and nothing else happens; its history lacks what the turn begins with. */
export type NextTurn = {
  readonly functionName: string;
  readonly turn: OrchestratorTurn & { readonly knownActions: number };
  /** The task that the activity ends. */
  readonly taskId: number;
};

/** A turn that the worker plays without having been asked, as the activity before it has returned. */
export type TurnAhead = {
  /** When the activity ended and the turn began, by the worker's clock. */
  readonly atMs: number;
  /** Undefined: it cannot be played so. */
  readonly ended: Promise<InvocationEnd | undefined>;
};

/** What the engine asks the app's code to do. */
export type Invocation =
  | {
      readonly kind: 'orchestrator';
      readonly functionName: string;
      readonly turn: OrchestratorTurn;
      /** The very turn, if it is being played already. */
      readonly ahead?: TurnAhead | undefined;
    }
  | {
      readonly kind: 'activity';
      readonly functionName: string;
      readonly instanceId: string;
      /** JSON text. */
      readonly input: string | null;
      /** What the worker may go on with by itself. */
      readonly next?: NextTurn | undefined;
    }
  | { readonly kind: 'entity'; readonly functionName: string; readonly batch: EntityBatch };

/** How an invocation ended. */
export type InvocationEnd =
  | { readonly kind: 'returned'; readonly value: TypedData | null; readonly ahead?: TurnAhead | undefined }
  | { readonly kind: 'threw'; readonly name: string; readonly message: string; readonly stack: string }
  /** The worker died or hung; whether the function took effect is unknown, and it has to run again. */
  | { readonly kind: 'lost'; readonly reason: string }
  /** The host stops; nobody is to blame. */
  | { readonly kind: 'stopped' };

/** Runs functions of the app: in a worker process, or in this one. */
export interface Invoker {
  /** The kind of a function by its name (in any case), undefined when the app has none of that name. */
  kindOf(functionName: string): FunctionKind | undefined;
  namesOf(kind: FunctionKind): readonly string[];
  /** `isAlone`: nothing else may run beside it, since it is suspected of killing workers. */
  invoke(invocation: Invocation, options: { readonly isAlone: boolean }): Promise<InvocationEnd>;
}
