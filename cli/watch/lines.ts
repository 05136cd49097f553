import type { MigrationStatus } from '../../contracts/migration';
import { formatSeconds, formatTimeOfDay } from '../output/format';
import type { Output } from '../output/output';
import { bytesText, callLines, rateText, routeText, stateText } from '../output/status';
import type { WatchSink } from './sink';

const stateLine = (status: MigrationStatus): string => {
  const place = status.phase ?? status.step;
  if (place === null) return stateText[status.state];
  return `${stateText[status.state]}: ${status.unwinding ? 'undo of ' : ''}${place}`;
};

/** Everything but the bytes that a line says; a new line is due when it differs. */
const saidOf = (status: MigrationStatus): string =>
  JSON.stringify([
    status.state,
    status.phase,
    status.unwinding,
    status.waitingFor,
    status.question?.questionId,
    status.cancelRequested,
  ]);

const tenthOf = (status: MigrationStatus): number => {
  const progress = status.progress;
  if (progress === null || progress.bytesTotal === 0) return -1;
  return Math.floor((progress.bytesDone / progress.bytesTotal) * 10);
};

function changeLine(status: MigrationStatus): string {
  const copied = bytesText(status);
  const rate = rateText(status);
  return [
    stateLine(status),
    ...(copied === undefined ? [] : [copied]),
    ...(copied === undefined || rate === undefined ? [] : [`at ${rate}`]),
    ...(status.waitingFor === null ? [] : [`waits for ${status.waitingFor}`]),
    ...(status.cancelRequested ? ['cancel requested'] : []),
  ].join(', ');
}

/** For files and pipes: one line a change, and one for each tenth of the bytes; no control codes. */
export function lineSink(output: Output): WatchSink {
  let last: MigrationStatus | undefined;
  let awaySaid = false;
  const say = (nowMs: number, text: string): void => output.line(`${formatTimeOfDay(nowMs)}  ${text}`);
  return {
    status: (status, nowMs) => {
      if (awaySaid) say(nowMs, 'the HTTP interface is back');
      if (last === undefined) say(nowMs, `${status.id}: ${status.kind}, ${routeText(status)}, VM ${status.vmId}`);
      const changed = last === undefined || saidOf(last) !== saidOf(status) || tenthOf(last) !== tenthOf(status);
      if (changed) say(nowMs, changeLine(status));
      if (changed && last?.question?.questionId !== status.question?.questionId)
        callLines(status).forEach((line) => say(nowMs, line));
      awaySaid = false;
      last = status;
    },
    away: (message, sinceMs, nowMs) => {
      if (!awaySaid) say(nowMs, `no answer since ${formatSeconds((nowMs - sinceMs) / 1000)}, asking on: ${message}`);
      awaySaid = true;
    },
    end: () => undefined,
  };
}
