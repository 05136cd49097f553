import type { DiskFile } from '../file';
import { mib, roundUp } from './numbers';

/** A place in the file for a block. `fresh` reads zero, being new at the end; `used` may hold anything. */
export type Place = { readonly offsetBytes: number; readonly content: 'fresh' | 'used' };

type Hole = { offsetBytes: number; lengthBytes: number };

/** What of a file its tables leave unused. Everything in whole mebibytes. */
export type Room = { readonly holes: readonly Readonly<Hole>[]; readonly endBytes: number };

/**
 * Where new blocks go. What a block leaves behind is given out again only when the tables that no longer name it are durable: a
 * power loss before that would otherwise show one block's bytes in another.
 */
export class Space {
  readonly #file: DiskFile;
  #holes: Hole[];
  #left: Hole[] = [];
  #endBytes: number;

  /** `room.holes`: what no table names; `room.endBytes`: from where on no table names anything. */
  constructor(file: DiskFile, room: Room) {
    this.#file = file;
    this.#holes = room.holes.map((hole) => ({ ...hole }));
    this.#endBytes = room.endBytes;
  }

  /** Length of a multiple of 1 MiB. The file grows when no hole is large enough. Not to be called twice at a time. */
  async take(lengthBytes: number): Promise<Place> {
    const hole = this.#holes.find((one) => one.lengthBytes >= lengthBytes);
    if (hole !== undefined) {
      const { offsetBytes } = hole;
      hole.offsetBytes += lengthBytes;
      hole.lengthBytes -= lengthBytes;
      if (hole.lengthBytes === 0) this.#holes = this.#holes.filter((one) => one !== hole);
      return { offsetBytes, content: 'used' };
    }
    const offsetBytes = Math.max(this.#endBytes, roundUp(this.#file.sizeBytes, mib));
    await this.#file.resize(offsetBytes + lengthBytes);
    this.#endBytes = offsetBytes + lengthBytes;
    return { offsetBytes, content: 'fresh' };
  }

  /** A block left this place; the tables do not say so durably yet. */
  leave(offsetBytes: number, lengthBytes: number): void {
    this.#left.push({ offsetBytes, lengthBytes });
  }

  /** A place that was taken and is named by no table after all. */
  giveBack(place: Place, lengthBytes: number): void {
    this.#holes.push({ offsetBytes: place.offsetBytes, lengthBytes });
  }

  /** Everything left so far, to be handed to `reuse` when the tables of this moment are durable. */
  takeLeft(): readonly Hole[] {
    const left = this.#left;
    this.#left = [];
    return left;
  }

  keepLeft(left: readonly Hole[]): void {
    this.#left.push(...left);
  }

  reuse(left: readonly Hole[]): void {
    for (const hole of left) this.#holes.push({ ...hole });
  }
}
