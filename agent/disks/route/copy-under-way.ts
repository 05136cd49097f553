import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import { outcomeOf } from '../failures';
import { differenceOf, type TargetContent } from './content';
import { createTarget } from './content-store';
import type { Journal } from './journal';
import type { Beginning, Received } from './journal-records';
import type { Resumption, ResumptionRequest } from './resumption';

type CopyRequest = Pick<ResumptionRequest, 'runId' | 'path' | 'images'>;

export type Copy = { readonly target: TargetContent; readonly beginning: Beginning };

/** The copy that a transfer makes, and its journal: taken up or made when it is known of what, and closed in the end. */
export class CopyUnderWay {
  readonly journal: Journal;
  readonly #request: CopyRequest;
  readonly #receivedBefore: Received;
  #copy: Copy | undefined;

  constructor(request: CopyRequest, found: Exclude<Resumption, { kind: 'finished' }>) {
    this.#request = request;
    this.journal = found.journal;
    this.#receivedBefore = found.kind === 'fresh' ? found.received : found.journal.content.received;
    if (found.kind === 'resumed') this.#copy = { target: found.target, beginning: found.beginning };
  }

  /** Makes or takes up the copy when the source has said what it serves. `SourceChanged` when that is another than it began with. */
  async takeUp(head: Pick<Beginning, 'facts' | 'extentBytes'>): Promise<Outcome<Copy>> {
    const { runId, path } = this.#request;
    if (this.#copy === undefined) {
      const beginning: Beginning = { schema: 1, runId, path, ...head };
      const made = await this.#make(beginning);
      if (!made.ok) return made;
      this.#copy = { target: made.value, beginning };
    }
    const difference = differenceOf(this.#copy.beginning.facts, head.facts);
    if (difference === undefined) return succeeded(this.#copy);
    return failed(failureOf('SourceChanged', { message: `the source of ${path} is another: ${difference}` }));
  }

  /** The journal knows of the copy before it is there, so that whatever is left of it is known to be ours. */
  async #make(beginning: Beginning): Promise<Outcome<TargetContent>> {
    const { path, images } = this.#request;
    const begun = await outcomeOf(() => this.journal.begin(beginning, this.#receivedBefore));
    if (!begun.ok) return begun;
    const made = await createTarget(images, path, beginning.facts);
    if (made.ok || made.failure.code !== 'DestinationOccupied') return made;
    const forgotten = await outcomeOf(() => this.journal.forget());
    return forgotten.ok ? made : forgotten;
  }

  /** Makes the copy what it is when everything is durable. It is closed before it is said to be finished, since closing writes too. */
  async finish(): Promise<void> {
    const target = this.#copy?.target;
    await (target?.finish === undefined ? target?.close() : target.finish());
    this.#copy = undefined;
  }

  async close(): Promise<void> {
    try {
      await this.#copy?.target.close();
    } finally {
      await this.journal.close();
    }
  }
}
