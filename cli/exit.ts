/**
 * What each exit code of the command line means. This is the one place: `--help` prints this table, and nothing returns another number.
 */
export const exitCodes = {
  done: { code: 0, means: 'done: what was asked is done; with watch, the migration is completed' },
  runNotCompleted: { code: 1, means: 'the run ended without being completed: rolled back, or rejected' },
  badInput: { code: 2, means: 'usage or bad input: an option, argument or document is wrong' },
  unreachable: { code: 3, means: 'the HTTP interface cannot be reached, or did not come back in time' },
  waitsForAnswer: { code: 4, means: 'the run is parked and waits for a person (hyperferry answer)' },
  refused: { code: 5, means: 'understood and refused: not found, not allowed, or in conflict with what is there' },
  serverError: {
    code: 6,
    means: 'the HTTP interface answered with an error of its own, or with what this version cannot read',
  },
  localStack: {
    code: 7,
    means: 'the local stack, the host of an app, or the agent could not be started or kept running',
  },
  different: { code: 8, means: 'disk compare, disk changes, receipt verify: a disk is not as it should be' },
  damaged: { code: 9, means: 'disk: a disk file is damaged, or its chain is broken' },
  preflightRefused: { code: 10, means: 'preflight: something critical was found; a run would be refused' },
  unhealthy: { code: 11, means: 'agent doctor: something critical was found; the agent could not do its work' },
  interrupted: {
    code: 130,
    means: 'interrupted (Ctrl-C); a migration that was watched goes on, a copy of a disk can be gone on with',
  },
} as const;

export type ExitName = keyof typeof exitCodes;
export type ExitCode = (typeof exitCodes)[ExitName]['code'];

export const exitCodeOf = (name: ExitName): ExitCode => exitCodes[name].code;

/** The table as `--help` shows it. */
export function exitCodesHelp(): string {
  const rows = Object.values(exitCodes).map(({ code, means }) => `  ${String(code).padStart(3)}  ${means}`);
  return ['Exit codes:', ...rows].join('\n');
}
