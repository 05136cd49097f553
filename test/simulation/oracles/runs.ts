import { runReport, type Kind, type RunReport } from '../../../contracts/migration';
import { Foretelling, type Foretold } from './foretelling';
import type { Complain } from './violation';

/** The status of a run may stay as it is for so long without saying what the run waits for. */
const quietMsMax = 120_000;
/** A cancel is confirmed within this. */
const confirmMsMax = 30_000;

type Cancel = { readonly atMs: number; readonly cloudKills: number };

export type RunFacts = { readonly nowMs: number; readonly cloudRuns: boolean; readonly cloudKills: number };

/** One run as its status tells it, from its start to its end: what it says is held against what a person may expect. */
export class WatchedRun {
  report: RunReport | undefined;
  /** How it ended. */
  ended: RunReport['state'] | undefined;
  foretold: Foretold | undefined;
  readonly #foretelling: Foretelling;
  #text = '';
  #changedAtMs = 0;
  #quietKills = 0;
  readonly #highest = new Map<string, number>();
  #cancel: Cancel | undefined;
  #generation: string | undefined;
  /** The phase in which a reply of one of its hosts was lost last. */
  #replyLostIn: string | null = null;

  constructor(
    readonly runId: string,
    private readonly kind: Kind,
    private readonly complain: Complain,
    private readonly mark: (mark: string) => void,
    private readonly onReport: (report: RunReport) => void,
  ) {
    this.#foretelling = new Foretelling(kind);
  }

  get isActive(): boolean {
    return this.report !== undefined && this.ended === undefined;
  }

  /** Which execution of its instance is there now. */
  generation(executionId: string): void {
    const { progress } = this.report ?? { progress: null };
    const isNew = this.#generation !== undefined && this.#generation !== executionId;
    this.#generation = executionId;
    if (isNew && progress !== null && progress.bytesDone < progress.bytesTotal)
      this.mark('renewed history in the middle of a pull');
  }

  /** A reply of one of its hosts did not arrive. */
  replyLost(): void {
    this.#replyLostIn = this.report?.phase ?? null;
  }

  /** The custom status may have changed. */
  shown(text: string | null, facts: RunFacts): void {
    if (text === null || text === this.#text) return;
    this.#text = text;
    this.#changedAtMs = facts.nowMs;
    this.#quietKills = facts.cloudKills;
    const before = this.report;
    const report = runReport.parse(JSON.parse(text));
    this.report = report;
    this.#foretelling.shown(report, facts.nowMs);
    this.#progress(report);
    this.#mark(report, before);
    if (report.state === 'parked' && report.question === null)
      this.complain('a parked run asks a question', `${this.runId} is parked and asks nothing`);
    this.onReport(report);
  }

  canceled(facts: RunFacts): void {
    if (this.report?.cancelable === true && this.isActive)
      this.#cancel ??= { atMs: facts.nowMs, cloudKills: facts.cloudKills };
  }

  /** Its instance is over. */
  end({ nowMs }: RunFacts): void {
    const ended = this.report?.state ?? 'parked';
    this.ended = ended;
    if (ended === 'completed') this.foretold = this.#foretelling.atEnd(nowMs);
    this.mark(`run ${ended}`);
    this.mark(`${this.kind} ${ended}`);
  }

  /** Called as time passes. */
  look(facts: RunFacts): void {
    if (!this.isActive || this.report === undefined) return;
    if (!facts.cloudRuns || facts.cloudKills !== this.#quietKills) {
      this.#changedAtMs = facts.nowMs;
      this.#quietKills = facts.cloudKills;
    }
    const { state, waitingFor, phase } = this.report;
    if (state === 'running' && waitingFor === null && facts.nowMs - this.#changedAtMs > quietMsMax) {
      this.complain(
        'a waiting run names what it waits for',
        `${this.runId} at ${phase ?? 'its end'} said nothing for ${quietMsMax / 1000} s`,
      );
      this.#changedAtMs = facts.nowMs;
    }
    this.#confirmed(facts, this.report);
  }

  #confirmed(facts: RunFacts, report: RunReport): void {
    if (this.#cancel === undefined) return;
    // Nobody can confirm while the runtime is away.
    const disturbed = !facts.cloudRuns || facts.cloudKills !== this.#cancel.cloudKills;
    if (report.cancelRequested || report.unwinding || !report.cancelable || disturbed) {
      this.#cancel = undefined;
      return;
    }
    if (facts.nowMs - this.#cancel.atMs <= confirmMsMax) return;
    this.complain('a cancel is confirmed in 30 s', `${this.runId} at ${report.phase ?? 'its end'}`);
    this.#cancel = undefined;
  }

  #progress({ phase, unwinding, progress }: RunReport): void {
    const all = progress === null ? [] : [{ ...progress, name: 'in all' }, ...progress.disks];
    for (const { name, bytesDone, bytesTotal } of all) {
      const key = `${phase ?? ''} ${unwinding ? 'undo' : 'do'} ${name}`;
      const highest = this.#highest.get(key) ?? 0;
      if (bytesDone < highest)
        this.complain(
          'progress never goes back',
          `${this.runId} ${key}: from ${highest} to ${bytesDone} of ${bytesTotal}`,
        );
      this.#highest.set(key, Math.max(highest, bytesDone));
    }
  }

  #mark(report: RunReport, before: RunReport | undefined): void {
    if (report.question !== null && before?.question?.questionId !== report.question.questionId) {
      const undoing = report.unwinding;
      const atPivot = report.question.text.startsWith('It is not known');
      this.mark(undoing ? 'parked in an undo' : atPivot ? 'parked at the pivot' : 'parked after the pivot');
    }
    if (before?.question && report.question === null) this.mark('a question answered');
    if (report.unwinding && before?.unwinding !== true) {
      this.mark('unwound');
      if (report.failure?.effect === 'unknown') this.mark('undo of what may have been done');
      if (report.failure !== null) this.mark(`unwound for ${report.failure.code}`);
      if (report.failure?.code === 'Bug') this.complain('no bug shows', `${this.runId}: ${report.failure.message}`);
      if (report.failure?.code === 'CanceledByOperator') this.mark('a cancel honoured');
      if (this.#replyLostIn !== null && this.#replyLostIn === before?.phase) this.mark('undo after a lost reply');
    }
  }
}
