import type { MigrationStatus, Step } from '../../contracts/migration';
import { formatBytesOf, formatMs, formatPercent, formatSeconds } from '../output/format';
import { clipped, printable } from '../output/printable';
import type { TextStream } from '../output/output';
import { callLines, rateText, routeText, stateText, stepsLine } from '../output/status';
import type { WatchSink } from './sink';

const barCells = 24;

/** How much is done, as a row of cells. */
export function bar(done: number, total: number): string {
  const filled = total <= 0 ? barCells : Math.min(barCells, Math.floor((done / total) * barCells));
  return `[${'#'.repeat(filled)}${'.'.repeat(barCells - filled)}]`;
}

function diskLines(status: MigrationStatus): string[] {
  const disks = status.progress?.disks ?? [];
  const width = Math.max(0, ...disks.map((disk) => disk.name.length));
  return disks.map(({ name, bytesDone, bytesTotal }) => {
    const percent = formatPercent(bytesDone, bytesTotal).padStart(6);
    return `  ${name.padEnd(width)}  ${bar(bytesDone, bytesTotal)} ${percent}  ${formatBytesOf(bytesDone, bytesTotal)}`;
  });
}

/** What the watch knows beyond the last status. */
export type Seen = {
  /** Phases that this watch saw end, with how long each took as far as it was watched. */
  readonly phases: readonly { readonly name: string; readonly ms: number }[];
  /** How long the current phase is watched. */
  readonly phaseMs: number;
  /** The step that was seen last: between phases a run has none. */
  readonly step: Step | null;
};

const phasesShownMax = 6;

/** The picture of a run as lines of text, before they are fitted to a terminal. */
export function pictureOf(status: MigrationStatus, seen: Seen): string[] {
  const rate = rateText(status);
  const shown = seen.phases.slice(-phasesShownMax).map(({ name, ms }) => `${name} ${formatMs(ms)}`);
  const phase = status.phase === null ? [] : [`Phase ${status.phase}, ${formatMs(seen.phaseMs)}`];
  return [
    `${status.id}: ${status.kind}, ${routeText(status)}, ${stateText[status.state]}${status.cancelRequested ? ', cancel requested' : ''}`,
    stepsLine({ ...status, step: seen.step }),
    ...(shown.length === 0 ? [] : [`Done: ${shown.join(', ')}`]),
    ...phase,
    ...diskLines(status),
    ...(rate === undefined ? [] : [`  ${rate}`]),
    ...(status.waitingFor === null ? [] : [`Waits for ${status.waitingFor}`]),
    ...callLines(status),
  ];
}

const phaseNameOf = (status: MigrationStatus): string | undefined =>
  status.phase === null ? undefined : `${status.unwinding ? 'undo ' : ''}${status.phase}`;

/** Remembers phases over the looks of one watch. */
export class PhaseMemory {
  private readonly ended: { name: string; ms: number }[] = [];
  private step: Step | null = null;
  private current: { name: string | undefined; sinceMs: number } | undefined;

  look(status: MigrationStatus, nowMs: number): Seen {
    const name = phaseNameOf(status);
    this.step = status.step ?? this.step;
    if (this.current === undefined) this.current = { name, sinceMs: nowMs };
    else if (this.current.name !== name) {
      if (this.current.name !== undefined)
        this.ended.push({ name: this.current.name, ms: nowMs - this.current.sinceMs });
      this.current = { name, sinceMs: nowMs };
    }
    return { phases: this.ended, phaseMs: nowMs - this.current.sinceMs, step: this.step };
  }
}

const columnsDefault = 80;
const rowsDefault = 24;

/** A picture of a run that lines may scroll by above. */
export type Screen = WatchSink & {
  /** Prints a line above the picture. */
  above(line: string): void;
};

/** For a terminal: draws in place, each picture over the one before. */
export function screenSink(stream: TextStream): Screen {
  const memory = new PhaseMemory();
  let picture: string[] = [];
  let drawnLines = 0;
  const toTop = (): string => (drawnLines === 0 ? '\r' : `\u001b[${drawnLines}A\r`);
  const draw = (lines: readonly string[]): void => {
    // One column less than there are, since some terminals wrap at the last one.
    const columns = (stream.columns ?? columnsDefault) - 1;
    // Lines that scrolled off the top cannot be drawn over.
    const rows = (stream.rows ?? rowsDefault) - 2;
    const fitted = lines.slice(0, rows).map((line) => `${clipped(printable(line), columns)}\u001b[K`);
    stream.write(`${toTop()}${fitted.join('\n')}\n\u001b[J`);
    drawnLines = fitted.length;
  };
  return {
    status: (status, nowMs) => {
      picture = pictureOf(status, memory.look(status, nowMs));
      draw(picture);
    },
    away: (message, sinceMs, nowMs) => {
      const since = formatSeconds((nowMs - sinceMs) / 1000);
      draw([...picture, `No answer since ${since}, asking on: ${message}`]);
    },
    end: () => {
      picture = [];
      drawnLines = 0;
    },
    above: (line) => {
      stream.write(`${toTop()}\u001b[J${printable(line)}\n`);
      drawnLines = 0;
      if (picture.length > 0) draw(picture);
    },
  };
}
