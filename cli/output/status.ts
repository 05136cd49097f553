import type { Failure } from '../../contracts/failure';
import {
  destinationHostOf,
  runEnded,
  steps,
  type MigrationStatus,
  type RunState,
  type Step,
} from '../../contracts/migration';
import { formatBytesOf, formatPercent, formatRate, formatSeconds } from './format';

/** What a state means to a person. */
export const stateText: Readonly<Record<RunState, string>> = {
  queued: 'queued',
  running: 'running',
  parked: 'parked, waits for an answer',
  completed: 'completed',
  'rolled-back': 'rolled back',
  rejected: 'rejected',
};

/** `host-a -> host-b`, or `on host-a` for what stays on its host. */
export function routeText(places: Parameters<typeof destinationHostOf>[0]): string {
  const destination = destinationHostOf(places);
  return destination === places.sourceHost ? `on ${destination}` : `${places.sourceHost} -> ${destination}`;
}

/** `[done] Prepare  [now] Transfer  [    ] Cutover  [    ] Finish`. An unwinding run has left this line, so it says that instead. */
export function stepsLine(status: MigrationStatus): string {
  if (status.unwinding && !runEnded(status.state)) return 'Unwinding: what was done is taken back, last phase first';
  const now = status.step === null ? -1 : steps.indexOf(status.step);
  const mark = (index: number): string => {
    if (status.state === 'completed' || index < now) return 'done';
    return index === now && !runEnded(status.state) ? ' now' : '    ';
  };
  return steps.map((step: Step, index) => `[${mark(index)}] ${step}`).join('   ');
}

/** `100 MiB/s, about 12 s left`, the time that of the whole run; undefined when nothing is copied, or a person has paused it. */
export function rateText(status: MigrationStatus): string | undefined {
  const { progress, paused } = status;
  if (progress === null || paused) return undefined;
  return `${formatRate(progress.bytesPerSecond)}, ${leftText(status)}`;
}

/** How long the whole run will take still, seen from its last change: by the clock of the app, which need not be the one here. */
function leftText({ expectedEndAt, updatedAt }: MigrationStatus): string {
  if (expectedEndAt === null) return 'time left not known yet';
  return `about ${formatSeconds(Math.max(0, Date.parse(expectedEndAt) - Date.parse(updatedAt)) / 1000)} left`;
}

/** `45.2 %, 271 MiB of 600 MiB`; undefined when nothing is copied. */
export function bytesText(status: MigrationStatus): string | undefined {
  const progress = status.progress;
  if (progress === null) return undefined;
  return `${formatPercent(progress.bytesDone, progress.bytesTotal)}, ${formatBytesOf(progress.bytesDone, progress.bytesTotal)}`;
}

/** What the hypervisor wrote to its event logs about it. */
export const eventLines = ({ events }: Failure): string[] =>
  (events ?? []).map(({ at, log, id, message }) => `  event:   ${at} ${log} ${id}: ${message}`);

export const failureText = (failure: Failure): string => `${failure.message} (${failure.code})`;

/** What stands before a person: the question of a parked run with the commands that answer it, or why a run ended and what to do. */
export function callLines(status: MigrationStatus): string[] {
  if (status.question !== null) {
    const { text, answers, failure } = status.question;
    return [
      `Question: ${text}`,
      `  because: ${failureText(failure)}`,
      ...eventLines(failure),
      ...(failure.remedy === undefined ? [] : [`  remedy:  ${failure.remedy}`]),
      ...answers.map((answer) => `  next:    hyperferry answer ${status.id} ${answer}`),
    ];
  }
  if (status.failure === null) return [];
  return [
    `Reason: ${failureText(status.failure)}`,
    ...eventLines(status.failure),
    ...(status.failure.remedy === undefined ? [] : [`  remedy:  ${status.failure.remedy}`]),
  ];
}
