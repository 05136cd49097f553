import type { Clock } from '../../../clock';
import { KeyedLocks } from '../../locks';
import type { GuestSettings } from '../records';
import { createRandom, seedOf, type Random } from '../seeded';
import { blockOffsetBytes, geometryOf, writeBlocksMax } from './geometry';
import { forget, remember, type DiskMemory, type GuestMemory } from './memory';
import { differenceFromMemory, flushMarkBlock, recollect, type GuestDisks } from './recall';
import { stampBlock, stampBlockBytes } from './stamp';

/** How long a guest that could not write waits before it tries again; the host holds a VM whose volume is full. */
const stalledMs = 500;
/** A guest looks no more often than this whether a write is due. */
const tickMs = 50;
/** One write in so many goes behind the work area. */
const outskirtsOneIn = 40;

export type GuestOptions = {
  readonly settings: GuestSettings;
  readonly disks: GuestDisks;
  readonly clock: Clock;
  /** What it remembers; without it the guest boots cold and learns from its disks. */
  readonly memory: GuestMemory | undefined;
  /** Of a guest that was shut down by a run and boots cold: when it wrote last, as its own log of events would say. */
  readonly lastWriteAtMs?: number | null;
  /** Called once, with what the guest measured between its last write before a save and its first one after the start. */
  readonly onOutage: (outageMs: number) => void;
  /** Called when a disk could not be flushed: it takes nothing more until it is opened again. */
  readonly onDiskBroken: () => void;
  readonly log: (message: string) => void;
};

/**
 * The simulated operating system of a running VM: it writes to its disks at its pace, knows what they must contain, and flushes now
 * and then. Its heartbeat is `ok` once the disks proved to hold what it knows. With other disks under its memory it hangs.
 */
export class Guest {
  private condition: 'starting' | 'well' | 'hung' = 'starting';
  private disks: GuestDisks;
  private memory: GuestMemory | undefined;
  private readonly random: Random;
  private readonly still = new KeyedLocks();
  private readonly stopping = new AbortController();
  private readonly life: Promise<void>;
  private readonly startedAtMs: number;
  private writtenBytes = 0;
  private flushedAtMs: number;
  private lastWriteBeforeSaveMs: number | null;
  private measuredOutageMs: number | null = null;
  private longestPauseMs: number | undefined;

  constructor(private readonly options: GuestOptions) {
    this.disks = options.disks;
    this.memory = options.memory;
    this.lastWriteBeforeSaveMs = options.memory?.lastWriteAtMs ?? options.lastWriteAtMs ?? null;
    this.random = createRandom(seedOf(options.settings.seed, options.memory?.sequence ?? 0));
    this.startedAtMs = options.clock.now();
    this.flushedAtMs = this.startedAtMs;
    this.life = this.live();
  }

  /** `lost` until the guest has looked at its disks, and for ever when they are not what it knows. */
  get heartbeat(): 'ok' | 'lost' {
    return this.condition === 'well' ? 'ok' : 'lost';
  }

  /** Whether it has a memory to save: a guest that boots cold has none until it has looked at its disks. */
  get hasMemory(): boolean {
    return this.memory !== undefined;
  }

  /** What it measured between its last write before the save that it was started from and its first one after. */
  get outageMs(): number | null {
    return this.measuredOutageMs;
  }

  /** The disks as they are now; they change when a VM checkpoint is taken or removed. */
  get currentDisks(): GuestDisks {
    return this.disks;
  }

  /**
   * Runs `work` while the guest stands still, everything that it wrote flushed. `work` may answer other disks to go on with: the guest
   * looks first whether they hold what it knows.
   */
  async quiesced(work: (disks: GuestDisks) => Promise<GuestDisks | undefined>): Promise<void> {
    await this.still.with('guest', async () => {
      for (const { disk } of this.disks) await disk.flush();
      const others = await work(this.disks);
      if (others === undefined) return;
      this.disks = others;
      if (this.memory !== undefined && this.condition === 'well') this.conclude(await this.compare(this.memory));
    });
  }

  /** Runs `work` between two writes of the guest. */
  betweenWrites<T>(work: () => Promise<T>): Promise<T> {
    return this.still.with('guest', work);
  }

  /** From now on the guest measures its longest pause between two writes, as what it saw of an outage. */
  watchPauses(): void {
    this.longestPauseMs = 0;
    this.measuredOutageMs = null;
  }

  /** The longest pause since `watchPauses`, which the guest then keeps as its outage. */
  pausesSeen(): number {
    this.measuredOutageMs = this.longestPauseMs ?? 0;
    this.longestPauseMs = undefined;
    return this.measuredOutageMs;
  }

  /** Stops the guest for ever and closes its disks, flushed. Answers what it knew, when it knew anything yet. */
  async stop(): Promise<GuestMemory | undefined> {
    this.stopping.abort();
    await this.life;
    return this.still.with('guest', async () => {
      for (const { disk } of this.disks) await disk.flush();
      for (const { disk } of this.disks) await disk.close();
      return this.memory;
    });
  }

  /** Ends a guest whose disks are gone. */
  abandon(): void {
    this.stopping.abort();
  }

  /** Ends it as a power loss does: what it has not flushed may be there or not. */
  async turnOff(): Promise<void> {
    this.stopping.abort();
    await this.life;
    await this.still.with('guest', async () => {
      const closed = await Promise.allSettled(this.disks.map(({ disk }) => disk.close()));
      const failed = closed.filter(({ status }) => status === 'rejected').length;
      if (failed > 0) this.options.log(`${failed} of its disks did not close as they should`);
    });
  }

  private async live(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      if (this.condition === 'starting') await this.unlessItFails(() => this.lookAround());
      const went = this.condition === 'well' && (await this.unlessItFails(() => this.tick()));
      await this.options.clock.sleep(went ? this.untilDueMs() : stalledMs, this.stopping.signal);
    }
  }

  /** An error of a disk stalls the guest for a while. */
  private async unlessItFails(work: () => Promise<void>): Promise<boolean> {
    try {
      await this.still.with('guest', work);
      return true;
    } catch (thrown) {
      this.options.log(`the guest stalls: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
      return false;
    }
  }

  /** The first thing after a start: do the disks hold what I remember, or else what do they hold? */
  private async lookAround(): Promise<void> {
    const wrong = this.memory === undefined ? await this.bootCold() : await this.compare(this.memory);
    if (wrong === undefined && this.memory !== undefined && this.options.settings.writeBytesPerSecond > 0)
      await this.writeSomewhere(this.memory);
    this.conclude(wrong);
  }

  private conclude(wrong: string | undefined): void {
    this.condition = wrong === undefined ? 'well' : 'hung';
    if (wrong !== undefined) this.options.log(`the guest hangs: ${wrong}`);
  }

  private compare(memory: GuestMemory): Promise<string | undefined> {
    return differenceFromMemory(memory, this.options.settings, this.disks);
  }

  private async bootCold(): Promise<string | undefined> {
    const { memory, torn, damage } = await recollect(this.options.settings, this.disks);
    if (damage === undefined) for (const { ordinal, block } of torn) await this.writeBlocks(memory, ordinal, block, 1);
    this.memory = memory;
    return damage;
  }

  private async tick(): Promise<void> {
    const { memory } = this;
    if (memory === undefined) return;
    const { clock, settings } = this.options;
    const dueBytes = ((clock.now() - this.startedAtMs) * settings.writeBytesPerSecond) / 1000;
    // After a stall the guest goes on at its pace; it does not make up for what it could not write.
    this.writtenBytes = Math.max(this.writtenBytes, dueBytes - settings.writeBytesPerSecond);
    while (this.writtenBytes < dueBytes && !this.stopping.signal.aborted) {
      const bytes = await this.writeSomewhere(memory);
      if (bytes === 0) return;
      this.writtenBytes += bytes;
    }
    if (clock.now() - this.flushedAtMs >= settings.flushEveryMs) await this.flush(memory);
  }

  /** How long the guest has nothing to do: until its pace asks for a write, or the next flush is due. */
  private untilDueMs(): number {
    const { clock, settings } = this.options;
    const writeAtMs = this.startedAtMs + (this.writtenBytes * 1000) / settings.writeBytesPerSecond;
    const dueAtMs = Math.min(writeAtMs, this.flushedAtMs + settings.flushEveryMs);
    return Math.max(tickMs, Math.ceil(dueAtMs - clock.now()));
  }

  private async writeSomewhere(memory: GuestMemory): Promise<number> {
    const ordinal = this.random.below(memory.disks.length);
    const attached = this.disks[ordinal];
    if (attached === undefined) return 0;
    const { workBlocks, outskirtsBlocks } = geometryOf(attached.disk.virtualSizeBytes, this.options.settings);
    if (workBlocks === 0) return 0;
    const blocks = 1 + this.random.below(writeBlocksMax);
    const outside = outskirtsBlocks > 0 && this.random.below(outskirtsOneIn) === 0;
    const first = outside
      ? workBlocks + this.random.below(outskirtsBlocks - blocks + 1)
      : flushMarkBlock + 1 + this.random.below(workBlocks - blocks);
    await this.writeBlocks(memory, ordinal, first, blocks);
    return blocks * stampBlockBytes;
  }

  private async writeBlocks(memory: GuestMemory, ordinal: number, first: number, blocks: number): Promise<void> {
    const attached = this.disks[ordinal];
    const known: DiskMemory | undefined = memory.disks[ordinal];
    if (attached === undefined || known === undefined) return;
    const sequence = memory.sequence + 1;
    const content = new Uint8Array(blocks * stampBlockBytes);
    for (let index = 0; index < blocks; index++)
      stampBlock(
        content.subarray(index * stampBlockBytes, (index + 1) * stampBlockBytes),
        { seed: this.options.settings.seed, disk: ordinal, block: first + index },
        sequence,
      );
    memory.sequence = sequence;
    // Until the write is done nobody knows what these blocks hold; if it fails, nobody does for good.
    for (let index = 0; index < blocks; index++) forget(known, first + index);
    await attached.disk.write(content, blockOffsetBytes(first));
    for (let index = 0; index < blocks; index++) remember(known, first + index, sequence);
    this.noteWrite(memory);
  }

  private noteWrite(memory: GuestMemory): void {
    const nowMs = this.options.clock.now();
    if (this.longestPauseMs !== undefined && memory.lastWriteAtMs !== null)
      this.longestPauseMs = Math.max(this.longestPauseMs, nowMs - memory.lastWriteAtMs);
    memory.lastWriteAtMs = nowMs;
    if (this.lastWriteBeforeSaveMs === null) return;
    this.measuredOutageMs = Math.max(0, memory.lastWriteAtMs - this.lastWriteBeforeSaveMs);
    this.lastWriteBeforeSaveMs = null;
    this.options.onOutage(this.measuredOutageMs);
  }

  private async flush(memory: GuestMemory): Promise<void> {
    try {
      for (const { disk } of this.disks) await disk.flush();
    } catch (thrown) {
      this.options.onDiskBroken();
      throw thrown;
    }
    memory.flushedSequence = memory.sequence;
    this.flushedAtMs = this.options.clock.now();
    const first = this.disks[0];
    if (first !== undefined && (memory.disks[0]?.table.length ?? 0) > 0)
      await this.writeBlocks(memory, 0, flushMarkBlock, 1);
  }
}
