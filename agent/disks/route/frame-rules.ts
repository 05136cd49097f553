import { alignmentBytesOf, hasParent, sizeBytesOf, type ContentFacts } from './content';
import type { ContentFrame } from './frames';
import type { Mark } from './journal-records';
import { windowBytesMax } from './limits';

/** How much of the content a frame is about; a skip says nothing about any of it. */
export function lengthOf(frame: ContentFrame): number {
  switch (frame.kind) {
    case 'skip':
      return 0;
    case 'zero':
    case 'compact':
      return frame.lengthBytes;
    case 'data':
      return frame.bytes.length;
  }
}

export const offsetOf = (frame: ContentFrame): number => (frame.kind === 'skip' ? frame.toBytes : frame.offsetBytes);

/** What frames of some content may be, and where. */
export class FrameRules {
  readonly #alignmentBytes: number;
  readonly #sizeBytes: number;
  readonly #mayHaveZeros: boolean;

  constructor(facts: ContentFacts) {
    this.#alignmentBytes = alignmentBytesOf(facts);
    this.#sizeBytes = sizeBytesOf(facts);
    this.#mayHaveZeros = hasParent(facts);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Why a frame cannot come after what was received; undefined when it can. */
  whyImpossible(frame: ContentFrame, received: Mark, durable: Mark): string | undefined {
    const { kind } = frame;
    const [at, lengthBytes] = [offsetOf(frame), lengthOf(frame)];
    const endBytes = at + lengthBytes;
    if (at < received.watermarkBytes) return `"${kind}" at ${at}, before ${received.watermarkBytes}`;
    if (endBytes > this.#sizeBytes) return `"${kind}" up to ${endBytes}, the content ends at ${this.#sizeBytes}`;
    if (at % this.#alignmentBytes !== 0 || endBytes % this.#alignmentBytes !== 0)
      return `"${kind}" at ${at} of ${lengthBytes} bytes, which are not whole sectors`;
    if (kind === 'zero' && !this.#mayHaveZeros) return 'a zero frame for content without a parent';
    // A few bytes stand for a whole block: what bounds the others, that they have to come first, does not bound these.
    const aheadBytes = blockBytesIn(received) - blockBytesIn(durable) + lengthBytes;
    if (kind === 'compact' && aheadBytes > windowBytesMax)
      return `"${kind}" ${aheadBytes} bytes ahead of what is durable`;
    return undefined;
  }
}

const blockBytesIn = ({ dataBytes, seedBytes }: Mark): number => dataBytes + seedBytes;
