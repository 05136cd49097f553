import { tableOf } from '../table';
import type { Measured } from './measure';
import type { RuntimeResult } from './result';

const mib = 1024 * 1024;
const openBytesGoal = 512 * mib;

/** The result for people. */
export function describeRuntime({ disk, measured, chainGrowth, replay, open, peer }: RuntimeResult): string {
  const spread = ({ median, min, max }: typeof replay.milliseconds, digits: number): string =>
    `${median.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;
  return [
    `the disk: write and fdatasync ${spread(disk.syncMs, 2)} ms; transaction ${spread(disk.commitMs, 2)} ms, ${disk.commitsPerSecond.toFixed(0)} a second`,
    'embedded runtime, host and worker process, SQLite with full sync',
    rates(measured),
    'each short chain, ours and the peer’s, is the middle one of five in turn',
    `an activity of the long chain takes ${chainGrowth.toFixed(2)} times as long as one of the short chain (1: linear)`,
    `first turn after a restart with a history of ${replay.events} events: ${spread(replay.milliseconds, 1)} ms`,
    `${open.count} open instances: ${mibText(open.residentBytes)} in host and worker together (${mibText(open.residentBytesBefore)} before); ${verdict(open.residentBytes)}`,
    ...peerLines(peer),
  ].join('\n');
}

function rates(measured: readonly Measured[]): string {
  return tableOf(
    ['work', 'seconds', 'a second', 'goal', 'processor ms each'],
    measured.map((one) => [
      one.name,
      one.seconds.toFixed(2),
      `${one.perSecond.toFixed(0)} ${one.unit}`,
      goalOf(one),
      one.cpuSeconds === undefined ? '' : ((1000 * one.cpuSeconds) / one.count).toFixed(2),
    ]),
  );
}

function peerLines(peer: RuntimeResult['peer']): string[] {
  if (peer.kind === 'missing') return [`peer missing: ${peer.reason}`];
  const sync = peer.isFullSync ? 'full sync' : 'less than full sync';
  return [`OpenWorkflow, one process, SQLite with ${sync}, in the same run`, rates(peer.measured)];
}

const mibText = (bytes: number | undefined): string =>
  bytes === undefined ? 'unknown' : `${(bytes / mib).toFixed(0)} MiB`;

function verdict(bytes: number | undefined): string {
  if (bytes === undefined) return 'the system does not tell';
  return bytes <= openBytesGoal ? 'within the goal of 512 MiB' : 'above the goal of 512 MiB';
}

function goalOf({ perSecond, perSecondGoal }: Measured): string {
  if (perSecondGoal === undefined) return '';
  return `${perSecondGoal} ${perSecond >= perSecondGoal ? 'reached' : 'missed'}`;
}
