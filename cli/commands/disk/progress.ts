import type { WorkProgress } from '../../../agent/disks/digest';
import type { Context } from '../../context';
import { formatBytesOf, formatPercent, formatRate, formatSeconds } from '../../output/format';
import { clipped } from '../../output/printable';
import { bar } from '../../watch/screen';

const drawnEveryMs = 200;
/** Where nobody draws, in files and pipes. */
const saidEveryMs = 10_000;
const columnsDefault = 80;

/** Shows how far long work is: a bar on a terminal, otherwise a line now and then. */
export class Progress {
  readonly #context: Context;
  readonly #isTerminal: boolean;
  readonly #startMs: number;
  #lastMs: number;
  #startBytes: number | undefined;
  #isDrawn = false;

  constructor(context: Context) {
    this.#context = context;
    this.#isTerminal = context.output.stderr.isTTY === true;
    this.#startMs = context.clock.now();
    this.#lastMs = this.#startMs;
  }

  readonly report = ({ bytesDone, bytesTotal }: WorkProgress): void => {
    const nowMs = this.#context.clock.now();
    this.#startBytes ??= bytesDone;
    if (nowMs - this.#lastMs < (this.#isTerminal ? drawnEveryMs : saidEveryMs)) return;
    this.#lastMs = nowMs;
    const rate = ((bytesDone - this.#startBytes) * 1000) / Math.max(1, nowMs - this.#startMs);
    const left = rate > 0 ? `, about ${formatSeconds((bytesTotal - bytesDone) / rate)} left` : '';
    const percent = formatPercent(bytesDone, bytesTotal);
    const text = `${percent}, ${formatBytesOf(bytesDone, bytesTotal)}, ${formatRate(rate)}${left}`;
    if (!this.#isTerminal) this.#context.output.note(text);
    else this.#draw(`${bar(bytesDone, bytesTotal)} ${text}`);
  };

  /** Takes the bar away. */
  end(): void {
    if (this.#isDrawn) this.#context.output.stderr.write('\r\u001b[K');
    this.#isDrawn = false;
  }

  #draw(text: string): void {
    const { stderr } = this.#context.output;
    stderr.write(`\r${clipped(text, (stderr.columns ?? columnsDefault) - 1)}\u001b[K`);
    this.#isDrawn = true;
  }
}
