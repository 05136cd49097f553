import type { GuestDisk } from '../../agent/hyperv/simulated/guest/recall';

/** A disk in memory for tests of guests: what it holds can be looked at and changed, and its writes can be made to fail. */
export class MemoryDisk implements GuestDisk {
  readonly images = [];
  readonly content: Buffer;
  writes = 0;
  flushes = 0;
  failing = false;

  constructor(readonly virtualSizeBytes: number) {
    this.content = Buffer.alloc(virtualSizeBytes);
  }

  async read(target: Uint8Array, offsetBytes: number): Promise<void> {
    target.set(this.content.subarray(offsetBytes, offsetBytes + target.length));
  }

  async write(data: Uint8Array, offsetBytes: number): Promise<void> {
    if (this.failing) throw new Error('the volume is full');
    this.writes++;
    this.content.set(data, offsetBytes);
  }

  async flush(): Promise<void> {
    this.flushes++;
  }

  async close(): Promise<void> {
    return Promise.resolve();
  }
}
