import { readFile, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { decodeJournal, pullOutput } from '../../../agent/disks/route/journal-records';
import { startCuttingProxy, type CuttingProxy } from '../../../agent/disks/route/testing/cutting-proxy';
import { mib } from '../../../agent/disks/route/testing/hosts';
import {
  journalOf,
  routePair,
  type DestinationProcess,
  type RoutePair,
  type SourceProcess,
} from '../../../bench/route-pair';
import { pullEnd } from '../../../bench/route-processes';

export type End = 'source' | 'destination';
export type Kill = {
  readonly end: End;
  /** What had come over the line in this attempt and was not durable: what is sent again. Seals and heads count as well. */
  readonly sentAgainBytes: number;
};
export type CopyPlan = {
  readonly folder: string;
  readonly image: string;
  readonly target: string;
  readonly dataBytes: number;
  readonly killsMax: number;
  readonly random: () => number;
};
export type CopyResult = {
  readonly kills: readonly Kill[];
  readonly failure?: string;
  readonly dataBytes: number;
  /** In all, by what came over the line. */
  readonly sentAgainBytes: number;
};

/** A copy that neither ends nor moves for so long has failed. */
const endMsMax = 120_000;
const lookMs = 2;

/** Copies an image between two processes of which one or the other is killed, at random moments, at most so many times. */
export async function copyWithKills(plan: CopyPlan): Promise<CopyResult> {
  const pair = routePair(plan.folder);
  const source = await pair.source({ path: plan.image });
  const line = await startCuttingProxy(source.port, () => undefined);
  const copy = new KilledCopy(plan, pair, line, source);
  try {
    return await copy.run();
  } finally {
    await copy.stop();
    await line.close();
    await rm(journalOf(plan.target), { force: true });
  }
}

class KilledCopy {
  readonly #plan: CopyPlan;
  readonly #pair: RoutePair;
  readonly #line: CuttingProxy;
  readonly #kills: Kill[] = [];
  readonly #rate: number | undefined;
  #source: SourceProcess;
  #destination: DestinationProcess | undefined;
  #outcome: { readonly ok: boolean } | undefined;
  #gone: string | undefined;
  /** What had to come over the line once: a frame may hold zeros beside what was written. */
  #dataBytes: number;
  /** How often the destination has said that it waits for the source. */
  #waits = 0;
  /** Where the attempt under way began. */
  #durableBytes = 0;
  #passedBytes = 0;

  constructor(plan: CopyPlan, pair: RoutePair, line: CuttingProxy, source: SourceProcess) {
    this.#plan = plan;
    this.#pair = pair;
    this.#line = line;
    this.#source = source;
    this.#dataBytes = plan.dataBytes;
    // Half of the copies are slow enough that most of a kill's cost is waiting, half go as fast as they can.
    this.#rate = plan.random() < 0.5 ? undefined : Math.floor((16 + plan.random() * 112) * mib);
  }

  async run(): Promise<CopyResult> {
    const { killsMax, random } = this.#plan;
    await this.#pull();
    while (this.#kills.length < killsMax) {
      if (!(await this.#untilSomewhere())) break;
      await this.#kill(random() < 0.5 ? 'source' : 'destination');
    }
    const untilMs = performance.now() + endMsMax;
    while (!this.#isOver && performance.now() < untilMs) await delay(lookMs);
    const failure = this.#failure();
    const sentAgainBytes = this.#line.passedBytes() - this.#dataBytes;
    return {
      kills: this.#kills,
      dataBytes: this.#dataBytes,
      sentAgainBytes,
      ...(failure !== undefined && { failure }),
    };
  }

  async stop(): Promise<void> {
    await this.#destination?.kill();
    await this.#source.kill();
  }

  get #isOver(): boolean {
    return this.#outcome !== undefined || this.#gone !== undefined;
  }

  #failure(): string | undefined {
    if (this.#gone !== undefined) return this.#gone;
    if (this.#outcome === undefined) return `the copy did not end within ${endMsMax / 1000} s`;
    return this.#outcome.ok ? undefined : JSON.stringify(this.#outcome);
  }

  async #pull(): Promise<void> {
    const { target } = this.#plan;
    const destination = await this.#pair.destination(({ waitingFor }) => {
      if (waitingFor !== null) this.#waits += 1;
    });
    this.#destination = destination;
    destination.next(pullEnd).then(
      ({ outcome }) => {
        this.#outcome = outcome;
        if (outcome.ok) this.#dataBytes = pullOutput.parse(outcome['value']).dataBytes;
      },
      (thrown: unknown) => {
        // Killed it is meant to be gone.
        if (this.#destination === destination) this.#gone = String(thrown);
      },
    );
    destination.pull({
      from: { ...this.#source, port: this.#line.port },
      path: target,
      ledgerWatermarkBytes: await this.#watermarkBytes(),
      ...(this.#rate !== undefined && { bandwidthBytesPerSecondMax: this.#rate }),
    });
  }

  /** Waits for a random moment of what is left; answers false when the copy ended before. */
  async #untilSomewhere(): Promise<boolean> {
    const { dataBytes, random } = this.#plan;
    const goalBytes = this.#line.passedBytes() + random() * Math.max(0, dataBytes - this.#durableBytes);
    const untilMs = performance.now() + endMsMax;
    while (this.#line.passedBytes() < goalBytes && !this.#isOver && performance.now() < untilMs) await delay(lookMs);
    await delay(random() * 20);
    return !this.#isOver && performance.now() < untilMs;
  }

  async #kill(end: End): Promise<void> {
    const { port } = this.#source;
    if (end === 'destination') {
      const killed = this.#destination;
      this.#destination = undefined;
      await killed?.kill();
      await this.#note(end);
      await this.#pull();
    } else {
      const waits = this.#waits;
      await this.#source.kill();
      // What the destination still has becomes durable before it says that it waits.
      while (this.#waits === waits && !this.#isOver) await delay(lookMs);
      await this.#note(end);
      this.#source = await this.#pair.source({ path: this.#plan.image }, port);
    }
  }

  /** One end is dead and the other idle. */
  async #note(end: End): Promise<void> {
    while (this.#line.openConnections() > 0) await delay(lookMs);
    const [passedBytes, durableBytes] = [this.#line.passedBytes(), (await this.#mark())?.dataBytes ?? 0];
    const sentAgainBytes = this.#durableBytes + passedBytes - this.#passedBytes - durableBytes;
    this.#kills.push({ end, sentAgainBytes });
    this.#passedBytes = passedBytes;
    this.#durableBytes = durableBytes;
  }

  async #watermarkBytes(): Promise<number> {
    return (await this.#mark())?.watermarkBytes ?? 0;
  }

  async #mark() {
    const decoded = decodeJournal(await readFile(journalOf(this.#plan.target)).catch(() => Buffer.alloc(0)));
    if (!decoded.ok) throw new Error(decoded.reason);
    return decoded.records.findLast((record) => record.record === 'mark');
  }
}
