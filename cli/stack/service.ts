import type { ChildCommand } from './child';

/** One process of the stack. */
export type Service = {
  readonly name: string;
  readonly logPath: string;
  readonly command: ChildCommand;
  /** Before it is started again: what to run now, when that has changed, such as for a port that somebody took meanwhile. */
  readonly renewed?: () => Promise<ChildCommand>;
  /** Whether a line of its standard output says that it serves. */
  readonly saysReady: (line: string) => boolean;
  readonly readyMsMax: number;
  /** From SIGTERM to SIGKILL. */
  readonly stopMsMax: number;
};

export type ServiceState = 'starting' | 'ready' | 'waiting' | 'stopped';

export type StartFailure = { readonly service: string; readonly why: string; readonly logTail: readonly string[] };

/** What happened to a service, as it happens; times in milliseconds since 1970. */
export type ServiceEvent = {
  readonly service: string;
  readonly what: 'started' | 'ready' | 'ended';
  readonly atMs: number;
  readonly pid: number;
};
