import { resentBytesMax } from '../../../contracts/limits';
import { formatBytes, formatMs } from '../../output/format';
import { tableLines } from '../../output/table';
import type { Kind } from '../../../contracts/migration';
import { scenes, usesRoute } from './kinds';
import type { Round } from './round';
import type { Witness } from './witness';

const costText = ({ bytes, exact }: Round['kills'][number]['cost']): string =>
  exact ? formatBytes(bytes) : `at most ${formatBytes(bytes)}`;

const lossOf = ({ comparison }: Round): string | undefined => {
  if (comparison === undefined) return 'not compared';
  if ('error' in comparison) return comparison.error;
  if (comparison.proof === 'content')
    return comparison.identical ? undefined : 'what no guest writes is not what the disk was made with';
  if (comparison.lostAt.length > 0) return `differs at ${comparison.lostAt.join(', ')}`;
  return comparison.qemu?.identical === false ? comparison.qemu.said : undefined;
};

const readerText = ({ comparison }: Round): string => {
  if (comparison === undefined || 'error' in comparison) return '';
  if (comparison.proof === 'content') return `${formatBytes(comparison.bytesRead)} that no guest writes`;
  const since = `${comparison.writtenSinceFence} blocks written since the fence`;
  return comparison.qemu === undefined ? `${since}; own full read` : `${since}; qemu-img: ${comparison.qemu.said}`;
};

/** The table of kills and the table of runs. */
export function tablesOf(kind: Kind, rounds: readonly Round[]): string[] {
  const route = usesRoute(kind);
  const ofRoute = <T>(...cells: readonly T[]): readonly T[] => (route ? cells : []);
  const kills = rounds.flatMap((round, number) => round.kills.map((kill) => ({ kill, number })));
  const killRows = kills.map(({ kill, number }, index) => [
    String(index + 1),
    String(number + 1),
    kill.victim,
    kill.phase,
    kill.recoveredMs === null ? 'not within 2 min' : formatMs(kill.recoveredMs),
    ...ofRoute(costText(kill.cost)),
  ]);
  const runRows = rounds.map((round, number) => [
    String(number + 1),
    `${round.place.source} -> ${round.place.destination}`,
    round.state,
    ...ofRoute(formatBytes(round.sentBytes), formatBytes(round.resentBytes)),
    round.heartbeat,
    lossOf(round) ?? 'identical',
    readerText(round),
  ]);
  const runHead = ['RUN', 'HOSTS', 'STATE', ...ofRoute('SENT', 'SENT AGAIN'), 'HEARTBEAT', 'DISK', 'COMPARED'];
  return [
    ...tableLines(['KILL', 'RUN', 'WHAT', 'PHASE', 'RECOVERED IN', ...ofRoute('SENT AGAIN')], killRows),
    '',
    ...tableLines(runHead, runRows),
    ...ofRoute(
      '',
      'Sent again: bytes received at the destination less those up to the durable watermark, from the journals of the',
      'pulls right after each death of the destination agent, and from the receipt at the end of each run. Where several',
      'kills lie between two such counts, each is charged with all that came again ("at most").',
    ),
  ];
}

export type Verdict = { readonly good: boolean; readonly lines: readonly string[] };
type Check = readonly [held: boolean, text: string];

function endsOf(kind: Kind, rounds: readonly Round[]): Check {
  const completed = rounds.filter(({ state }) => state === 'completed').length;
  if (!scenes[kind].mayRollBack)
    return [completed === rounds.length, `${completed} of ${rounds.length} runs completed`];
  const back = rounds.filter(({ state }) => state === 'rolled-back' || state === 'rejected').length;
  return [
    completed + back === rounds.length && completed > 0,
    `${completed} of ${rounds.length} runs completed, ${back} were taken back`,
  ];
}

function costCheck(kills: Round['kills']): Check {
  const worst = Math.max(0, ...kills.map(({ cost }) => cost.bytes));
  const text = `no kill cost more than ${formatBytes(worst)} sent again (limit ${formatBytes(resentBytesMax)})`;
  return [worst <= resentBytesMax, text];
}

function disksCheck(kind: Kind, rounds: readonly Round[]): Check {
  const lost = rounds.filter((round) => lossOf(round) !== undefined || round.heartbeat !== 'ok');
  const whole = `${rounds.length - lost.length} of ${rounds.length} disks`;
  return [
    lost.length === 0,
    usesRoute(kind)
      ? `${whole} are as the source was at the fence`
      : `${whole} hold what they held, and their guests agree`,
  ];
}

/** What must hold, each with whether it did. */
export function verdictOf(kind: Kind, rounds: readonly Round[], witness: Witness, killsWanted: number): Verdict {
  const kills = rounds.flatMap((round) => round.kills);
  const slow = kills.filter(({ recoveredMs }) => recoveredMs === null);
  const dirty = rounds.filter(({ left }) => left.length > 0);
  const answered = rounds.reduce((sum, round) => sum + round.answered, 0);
  const checks: Check[] = [
    [kills.length >= killsWanted, `${kills.length} of ${killsWanted} kills happened while a run was under way`],
    [slow.length === 0, `${kills.length - slow.length} of ${kills.length} kills were recovered from`],
    endsOf(kind, rounds),
    disksCheck(kind, rounds),
    [
      witness.violations.length === 0,
      `the VM could start on one host at most and was registered on one at least, in ${witness.looks} looks at both hosts`,
    ],
    [dirty.length === 0, `${rounds.length - dirty.length} of ${rounds.length} runs left nothing behind`],
    ...(usesRoute(kind) ? [costCheck(kills)] : []),
  ];
  const good = checks.every(([held]) => held);
  return {
    good,
    lines: [
      ...checks.map(([held, text]) => `[${held ? 'held  ' : 'BROKEN'}] ${text}`),
      ...witness.violations.slice(0, 10).map(({ atMs, what }) => `         ${new Date(atMs).toISOString()}: ${what}`),
      ...dirty.flatMap(({ id, left }) => left.slice(0, 5).map((what) => `         ${id} left ${what}`)),
      ...(answered === 0 ? [] : [`Questions answered "retry": ${answered}`]),
      good ? 'Nothing was lost, and nothing ran twice.' : 'NOT everything held; the state folder is kept.',
    ],
  };
}
