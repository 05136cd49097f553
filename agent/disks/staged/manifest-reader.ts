import { isDeepStrictEqual } from 'node:util';
import { failureOf } from '../../../contracts/failure';
import { noMark } from '../route/journal';
import type { Mark } from '../route/journal-records';
import { StagingError, type BlockStore } from './block-store';
import type { StagingKeys } from './keys';
import { openSegment, segmentBytesMax, segmentName, type ManifestOf, type Segment } from './manifest';

/** Reads a manifest from its first segment on, each once, and refuses one that does not follow the one before. */
export class ManifestReader {
  readonly #store: BlockStore;
  readonly #keys: StagingKeys;
  readonly #of: ManifestOf;
  #number = 0;
  #head: NonNullable<Segment['head']> | undefined;
  #position = noMark;
  #putBytes = 0;
  #isOver = false;

  constructor(store: BlockStore, keys: StagingKeys, of: ManifestOf) {
    this.#store = store;
    this.#keys = keys;
    this.#of = of;
  }

  /** What the first segment says of the file; undefined before it was read. */
  get head(): NonNullable<Segment['head']> | undefined {
    return this.#head;
  }

  /** Number of the segment that comes next. */
  get number(): number {
    return this.#number;
  }

  /** Where the segments that were read end. */
  get position(): Mark {
    return this.#position;
  }

  get putBytes(): number {
    return this.#putBytes;
  }

  /** Whether the last segment was read. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The next segment; undefined when it is not there (yet). Throws `StagingError`: `StagedContentDamaged`. */
  async next(): Promise<Segment | undefined> {
    const name = segmentName(this.#of, this.#number);
    const sealed = await this.#store.get(name, segmentBytesMax);
    if (sealed === undefined) return undefined;
    const segment = openSegment(this.#keys, this.#of, this.#number, sealed);
    if (segment === undefined) throw damaged(`${name} is not what the source wrote there`);
    const follows =
      isDeepStrictEqual(segment.before, this.#position) && (segment.number === 0) === (segment.head !== null);
    if (!follows) throw damaged(`${name} does not follow the segment before it`);
    this.#head ??= segment.head ?? undefined;
    this.#position = segment.after;
    this.#putBytes = segment.putBytes;
    this.#isOver = segment.isLast;
    this.#number += 1;
    return segment;
  }

  /** Whether the segment after the next is there, so that the next one must have been. */
  isThereAfterNext(): Promise<boolean> {
    return this.#store.has(segmentName(this.#of, this.#number + 1));
  }
}

export const damaged = (message: string): StagingError =>
  new StagingError(failureOf('StagedContentDamaged', { message }));
