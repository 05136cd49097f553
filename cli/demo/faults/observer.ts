import type { MigrationId } from '../../../contracts/ids';
import { runEnded, type MigrationStatus } from '../../../contracts/migration';
import type { HyperferryApi } from '../../api/client';
import type { Clock } from '../../../agent/clock';

const lookMs = 60;

/** Follows one run through the HTTP interface, for as long as that is there, and remembers what it saw last. */
export class Observer {
  status: MigrationStatus | undefined;
  /** When the run was first seen in the phase that it is in, in milliseconds since 1970. */
  phaseSinceMs = 0;
  /** Grows with each look that shows the run elsewhere than the one before. */
  moves = 0;
  /** Questions that were answered by `retry`. */
  answered = 0;
  private readonly stopping = new AbortController();
  private done: Promise<void> = Promise.resolve();

  constructor(
    private readonly api: HyperferryApi,
    private readonly id: MigrationId,
    private readonly clock: Clock,
    private readonly say: (line: string) => void,
  ) {}

  get ended(): boolean {
    return this.status !== undefined && runEnded(this.status.state);
  }

  start(): void {
    this.done = this.watch();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.done;
  }

  private async watch(): Promise<void> {
    while (!this.stopping.signal.aborted && !this.ended) {
      const look = await this.api.migration(this.id);
      if (look.ok) await this.take(look.value);
      await this.clock.sleep(lookMs, this.stopping.signal);
    }
  }

  private async take(status: MigrationStatus): Promise<void> {
    const before = this.status;
    if (before?.phase !== status.phase) this.phaseSinceMs = this.clock.now();
    const placeOf = (one: MigrationStatus | undefined): string =>
      JSON.stringify([one?.state, one?.phase, one?.progress?.bytesDone]);
    if (placeOf(before) !== placeOf(status)) this.moves += 1;
    this.status = status;
    if (status.question !== null && before?.question?.questionId !== status.question.questionId)
      await this.answer(status.question.questionId, status.question.text);
  }

  private async answer(questionId: string, text: string): Promise<void> {
    this.say(`  the run asks: ${text} It is answered "retry".`);
    const answered = await this.api.answer(this.id, questionId, 'retry');
    if (answered.ok) this.answered += 1;
  }
}
