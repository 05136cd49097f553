import type { ApiError, ProblemDocument } from './api/errors';
import type { ExitName } from './exit';

/** Why a command did not do what was asked, in the parts in which a person reads it. */
export type CliFailure = {
  readonly exit: ExitName;
  readonly title: string;
  readonly detail?: string | undefined;
  readonly field?: string | undefined;
  readonly value?: string | undefined;
  readonly remedy?: string | undefined;
  /** The command to type next. */
  readonly next?: string | undefined;
  readonly problem?: ProblemDocument;
};

export const badInput = (title: string, more: Omit<CliFailure, 'exit' | 'title'> = {}): CliFailure => ({
  exit: 'badInput',
  title,
  ...more,
});

// The next command by failure code of contracts/failure-codes.ts; a code that is not here has none that always fits.
const nextByCode: Readonly<Record<string, string>> = {
  HostUnknown: 'hyperferry hosts',
  VmNotFound: 'hyperferry vms',
  VmBusy: 'hyperferry status',
  VmFenced: 'hyperferry status',
  VmStateWrong: 'hyperferry vms',
  NotFound: 'hyperferry status',
  NotEnoughRoom: 'hyperferry hosts',
  NotEnoughMemory: 'hyperferry hosts',
  SwitchMissing: 'hyperferry hosts',
  PathOutsideRoots: 'hyperferry hosts',
  DestinationOccupied: 'hyperferry hosts',
  RelayUnreachable: 'hyperferry hosts',
  AgentSilent: 'hyperferry hosts',
  KindUnknown: 'hyperferry migrate --help',
};

export const nextCommandFor = (code: string): string | undefined => nextByCode[code];

function exitOfStatus(status: number): ExitName {
  if (status >= 500 || status === 429) return 'serverError';
  if (status === 400 || status === 413 || status === 415 || status === 422) return 'badInput';
  return 'refused';
}

/** What an error of the interface means to the person at the command line. */
export function failureOfApi(error: ApiError): CliFailure {
  switch (error.kind) {
    case 'unreachable':
      return {
        exit: 'unreachable',
        title: 'the HTTP interface cannot be reached',
        detail: `${error.url}: ${error.message}`,
        remedy: 'Check the address (--api or HYPERFERRY_API), or start the local stack.',
        next: 'hyperferry up',
      };
    case 'starting':
      return {
        exit: 'unreachable',
        title: 'the app is starting',
        detail: `${error.url}: the Functions host answers, and its app does not yet (503)`,
        remedy: 'Try again in a few seconds; if it stays so, look at the log of the app.',
      };
    case 'unreadable':
      return {
        exit: error.status >= 400 && error.status < 500 ? 'refused' : 'serverError',
        title: 'the answer cannot be read',
        detail: `${error.url}: ${error.message}`,
        remedy: 'Check that the address is that of a hyperferry app of this version (it ends in /api).',
      };
    case 'problem':
      return failureOfProblem(error.problem, error.status);
  }
}

function failureOfProblem(problem: ProblemDocument, status: number): CliFailure {
  return {
    exit: exitOfStatus(status),
    title: `${problem.title} (${problem.code}, ${status})`,
    detail: problem.detail,
    field: problem.field,
    value: problem.value,
    remedy: problem.remedy,
    next: nextCommandFor(problem.code),
    problem,
  };
}

/** The lines in which a failure is told on standard error. */
export function failureLines(failure: CliFailure): string[] {
  const parts: [string, string | undefined][] = [
    ['field', failure.field],
    ['value', failure.value],
    ['remedy', failure.remedy],
    ['next', failure.next],
  ];
  const others = failure.problem?.errors ?? [];
  return [
    `error: ${failure.title}`,
    ...(failure.detail === undefined || failure.detail === failure.title ? [] : [`  ${failure.detail}`]),
    ...others.map(({ field, value, detail }) => `  - ${field}${value === undefined ? '' : ` = ${value}`}: ${detail}`),
    ...parts.flatMap(([name, text]) => (text === undefined ? [] : [`  ${`${name}:`.padEnd(8)}${text}`])),
  ];
}
