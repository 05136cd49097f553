import { Worker, type Answer, type Arguments, type WorkerOptions } from './worker';

export type LaneOptions = WorkerOptions & {
  /** A worker is replaced after so many calls: sessions of modules grow and go stale. */
  readonly callsMax: number;
  readonly endMsMax: number;
};

/** `unavailable`: no worker could be started, so the call was never made. */
export type LaneAnswer = Answer | { readonly type: 'unavailable'; readonly why: string };

/** One worker after another: calls in order, one at a time, each answered. A worker that is lost is replaced at the next call. */
export class Lane {
  private worker: Worker | undefined;
  private turn: Promise<unknown> = Promise.resolve();
  private isClosed = false;

  constructor(private readonly options: LaneOptions) {}

  call(handler: string, args: Arguments, msMax: number): Promise<LaneAnswer> {
    const answer = this.turn.then(() => this.callNow(handler, args, msMax));
    this.turn = answer;
    return answer;
  }

  /** Waits for calls under way. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.turn;
    await this.worker?.close(this.options.endMsMax);
    this.worker = undefined;
  }

  private async callNow(handler: string, args: Arguments, msMax: number): Promise<LaneAnswer> {
    if (this.isClosed) return { type: 'unavailable', why: 'the driver is closed' };
    const { callsMax, endMsMax } = this.options;
    if (this.worker !== undefined && (this.worker.isLost || this.worker.callCount >= callsMax)) {
      await this.worker.close(endMsMax);
      this.worker = undefined;
    }
    if (this.worker === undefined) {
      const started = await Worker.start(this.options);
      if (!(started instanceof Worker)) return { type: 'unavailable', why: started.why };
      this.worker = started;
    }
    return this.worker.call(handler, args, msMax);
  }
}
