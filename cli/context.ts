import type { Clock } from '../agent/clock';
import type { ExitName } from './exit';
import type { CliFailure } from './failure';
import type { Output } from './output/output';

/** Everything outside that a command touches. */
export type Context = {
  readonly env: NodeJS.ProcessEnv;
  readonly output: Output;
  readonly clock: Clock;
  /** That many random bytes, for ids. */
  readonly randomBytes: (count: number) => Uint8Array;
  /** Aborted by the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
};

/** How a command ended: with an exit of the table, or a failure to be told first. */
export type CommandResult = ExitName | CliFailure;

export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: CliFailure };
export const good = <T>(value: T): Result<T> => ({ ok: true, value });
export const bad = (failure: CliFailure): Result<never> => ({ ok: false, failure });
