import type { OrchestrationContext, Task } from 'durable-functions';
import type { z } from 'zod';
import type { RunCommand, RunReport, Step as UserStep } from '../../contracts/migration';
import { shownConcerns, type Concern } from '../../contracts/preflight';
import { CommandInbox } from './inbox';
import type { Attempt, SagaState } from './state';
import type { Durable } from './step';

/** Looks and waits of one generation; then the history is cut. Each costs about eight rows (azure.md 2.2). */
export const pausesPerGenerationMax = 50;

/** How often a task is looked at that was waited for beside a command which came first. */
const taskLookMs = 1_000;

export type Progress = NonNullable<RunReport['progress']>;
/** Where a run stands in its itinerary. */
export type Standing = {
  readonly phase: () => { readonly name: string; readonly step: UserStep; readonly carries: boolean } | undefined;
  readonly cancelHonoured: () => boolean;
  /** When the run is expected to end, if that can be told (milliseconds since 1970). */
  readonly expectedEndMs: (progress: Progress | null, nowMs: number) => number | null;
};
export type PauseEnd = 'elapsed' | 'cancel' | 'renew';

/** What a phase may use: its input, the clock of the orchestration, identity for its operations, waiting, and saying where it stands. */
export class Run<Input> {
  readonly inbox: CommandInbox;
  private pauses = 0;
  private operations = 0;
  private questions = 0;
  private pausable = false;
  private waitingFor: string | null = null;

  constructor(
    readonly context: OrchestrationContext,
    readonly input: Input,
    readonly state: SagaState,
    private readonly standing: Standing,
  ) {
    this.inbox = new CommandInbox(context);
  }

  now(): Date {
    return new Date(this.context.df.currentUtcDateTime.getTime());
  }

  get epoch(): number {
    return this.attempt.epoch;
  }

  private get attempt(): Attempt {
    if (this.state.attempt === null) throw new Error('no phase is under way');
    return this.state.attempt;
  }

  /** Called by the interpreter when it enters a phase, again after a renewal. */
  enterPhase(): void {
    this.operations = this.attempt.operationsBefore;
    this.questions = 0;
    this.pausable = false;
    this.waitingFor = null;
    this.show();
  }

  /** The id of the next operation of this attempt; the same in every replay and every generation. */
  nextOperationId(): string {
    this.operations += 1;
    return `${this.context.df.instanceId}-e${this.attempt.epoch}-${this.operations}`;
  }

  /** The number of the next question of this part of the phase. */
  nextQuestion(): number {
    this.questions += 1;
    return this.attempt.operationsBefore + this.questions;
  }

  /**
   * Notes how far the phase is. When it is entered again, by a new generation or another attempt, it goes on from these notes, so what
   * its operations answered until here is not needed any more.
   */
  keep(notes: unknown): void {
    this.state.notes = notes;
    this.attempt.operationsBefore = this.operations;
    this.attempt.settled = {};
    this.attempt.stopped = [];
  }

  /** What the phase noted; undefined when it has just begun. */
  kept<T>(schema: z.ZodType<T>): T | undefined {
    return this.state.notes === undefined ? undefined : schema.parse(this.state.notes);
  }

  /** Notes that a pause stopped an operation, so that it is not looked at again under this id. */
  noteStopped(operationId: string): void {
    this.attempt.stopped.push(operationId);
  }

  /** An operation's id, or after pauses the one under which it goes on. */
  idAfterPauses(operationId: string): string {
    let pauses = 0;
    let id = operationId;
    while (this.attempt.stopped.includes(id)) {
      pauses += 1;
      id = `${operationId}-p${pauses}`;
    }
    return id;
  }

  /** The output of an operation of this attempt that is known to have succeeded. */
  settled(operationId: string): { readonly output: unknown } | undefined {
    return operationId in this.attempt.settled ? { output: this.attempt.settled[operationId] } : undefined;
  }

  settle(operationId: string, output: unknown): void {
    this.attempt.settled[operationId] = output;
  }

  get cancelRequested(): boolean {
    return this.standing.cancelHonoured() && this.state.cancel !== null;
  }

  /**
   * Waits `waitMs` milliseconds, or less when somebody cancels and the run may still be cancelled. `renew` asks the caller to return
   * `renew`: it comes only straight after a wait that listened for commands, so that no command is lost with the old generation.
   */
  *pause(waitMs: number): Durable<PauseEnd> {
    this.pauses += 1;
    const command = yield* this.inbox.waitFor(waitMs);
    this.take(command);
    if (this.cancelRequested) return 'cancel';
    return command === undefined && this.pauses >= pausesPerGenerationMax ? 'renew' : 'elapsed';
  }

  /** Takes commands that arrived while nobody waited. */
  readCommands(): void {
    for (let command = this.inbox.take(); command !== undefined; command = this.inbox.take()) this.take(command);
  }

  /** Waits until a task has ended, and shows what people ask of the run meanwhile. */
  *whileListening(task: Task): Durable<void> {
    yield* this.inbox.waitBeside(task);
    while (!task.isCompleted && !task.isFaulted) {
      this.take(yield* this.inbox.waitFor(taskLookMs));
    }
  }

  /** Waits for a command, whatever it is, and takes note of it. */
  *nextCommand(): Durable<RunCommand> {
    const command = yield* this.inbox.wait();
    this.take(command);
    return command;
  }

  /** What a person asked is shown at once: what comes next may listen for half a minute without a word. */
  private take(command: RunCommand | undefined): void {
    if (command === undefined) return;
    switch (command.command) {
      case 'cancel':
        this.state.cancel ??= { reason: command.reason };
        break;
      case 'pause':
        this.state.paused = this.pausable;
        break;
      case 'resume':
        this.state.paused = false;
        break;
      case 'answer':
        return;
    }
    this.show();
  }

  /** From now on this phase can be paused: it looks at `paused` where it can stop. */
  letPause(): void {
    this.pausable = true;
    this.show();
  }

  get paused(): boolean {
    return this.state.paused;
  }

  /** Waits while somebody has paused the run; answers whether it was canceled instead of resumed. */
  *whilePaused(): Durable<'resumed' | 'cancel'> {
    while (this.paused && !this.cancelRequested) {
      this.showProgress(this.state.progress, 'a person to resume the copy');
      yield* this.nextCommand();
    }
    return this.cancelRequested ? 'cancel' : 'resumed';
  }

  /** The highest figure of this phase so far, this one included: an operation that begins anew takes nothing back from what was shown. */
  reach(name: string, bytesDone: number): number {
    const highest = Math.max(this.state.reached[name] ?? 0, bytesDone);
    this.state.reached[name] = highest;
    return highest;
  }

  /** What preflight had to say: shown while the run goes on, and told in its receipt. */
  noteConcerns(concerns: readonly Concern[]): void {
    this.state.concerns = [...concerns];
    this.show();
  }

  /** What was done in this phase besides these, by what is over: earlier rounds, or work on the other host. */
  reachedBesides(names: readonly string[]): number {
    const others = Object.entries(this.state.reached).filter(([name]) => !names.includes(name));
    return others.reduce((sum, [, bytesDone]) => sum + bytesDone, 0);
  }

  showProgress(progress: Progress | null, waitingFor: string | null): void {
    this.state.progress = progress;
    this.waitingFor = waitingFor;
    this.show();
  }

  /** How fast bytes come to where they belong, in a phase that carries some. */
  noteRate(bytesPerSecond: number): void {
    if (bytesPerSecond > 0 && this.standing.phase()?.carries === true) this.state.bytesPerSecond = bytesPerSecond;
  }

  /** Puts the state into the custom status; it becomes visible at the next yield. */
  show(): void {
    const phase = this.standing.phase();
    const report: RunReport = {
      schema: 1,
      state: this.state.question === null ? 'running' : 'parked',
      phase: phase?.name ?? null,
      step: phase?.step ?? null,
      unwinding: this.state.direction === 'unwind',
      progress: this.state.progress,
      expectedEndAt: this.expectedEndAt(),
      waitingFor: this.state.question === null ? this.waitingFor : 'an answer to its question',
      question: this.state.question,
      failure: this.state.failure,
      cancelRequested: this.state.cancel !== null,
      cancelable: this.standing.cancelHonoured(),
      pausable: this.pausable,
      paused: this.state.paused,
      ...shownConcerns(this.state.concerns),
    };
    this.context.df.setCustomStatus(report);
  }

  /** Nobody can tell it of a run that a person keeps waiting, or that unwinds. */
  private expectedEndAt(): string | null {
    if (this.state.direction === 'unwind' || this.state.question !== null || this.state.paused) return null;
    const endMs = this.standing.expectedEndMs(this.state.progress, this.now().getTime());
    return endMs === null ? null : new Date(Math.round(endMs)).toISOString();
  }
}
