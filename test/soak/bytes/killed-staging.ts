import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { decodeJournal } from '../../../agent/disks/route/journal-records';
import { imageSubject, mib, run } from '../../../agent/disks/route/testing/hosts';
import { pullEnd, startRouteProcess, type RouteProcess } from '../../../bench/route-processes';
import { failure } from '../../../contracts/failure';
import type { Azurite } from '../../azurite';
import { newContainer, type StagingContainer } from '../../staged/containers';

export type StagedEnd = 'source' | 'destination' | 'storage';
export type StagedPlan = {
  readonly azurite: Azurite;
  readonly container: string;
  readonly image: string;
  readonly target: string;
  readonly killsMax: number;
  readonly random: () => number;
};
export type StagedResult = {
  readonly kills: readonly StagedEnd[];
  /** How often both ends were begun anew, as a run does after a failure that passes. */
  readonly attempts: number;
  readonly resentBytes: number;
  readonly wrong: readonly string[];
};

/** A copy that has not ended after so long has failed. */
const endMsMax = 240_000;
/** Storage that forgot the end of a manifest is noticed by a destination after so long. */
const sourceMsMax = 8_000;
const killAfterMsMax = 1_500;
const downMsMax = 600;
const accessMs = 3_600_000;

type Agent = 'source' | 'destination';
type Ended = Record<string, unknown> & { readonly ok: boolean };

/** Stages and copies an image with two processes and Azurite, each killed at random moments, and begins anew what fails in passing. */
export async function stageWithKills(plan: StagedPlan): Promise<StagedResult> {
  const copy = new KilledStaging(plan);
  try {
    return await copy.run();
  } finally {
    await copy.stop();
  }
}

class KilledStaging {
  readonly #plan: StagedPlan;
  readonly #batchKeyHex = randomBytes(32).toString('hex');
  readonly #kills: StagedEnd[] = [];
  readonly #agents: Partial<Record<Agent, RouteProcess>> = {};
  readonly #ended: Partial<Record<Agent, Ended>> = {};
  readonly #rate: number;
  #container: StagingContainer | undefined;
  #attempts = 0;

  constructor(plan: StagedPlan) {
    this.#plan = plan;
    this.#rate = Math.floor((8 + plan.random() * 40) * mib);
  }

  async run(): Promise<StagedResult> {
    const { killsMax, random } = this.#plan;
    const untilMs = performance.now() + endMsMax;
    await this.#attempt();
    while (performance.now() < untilMs) {
      if (this.#kills.length < killsMax) {
        await this.#whileGoing(random() * killAfterMsMax);
        if (this.#isOver) break;
        await this.#kill((['source', 'destination', 'storage'] as const)[Math.floor(random() * 3)] ?? 'storage');
      } else await this.#whileGoing(200);
      if (this.#isOver) break;
      if (this.#failures().length > 0) {
        if (this.#failures().some(({ retry }) => retry === 'permanent')) break;
        await this.#attempt();
      }
    }
    return { kills: this.#kills, attempts: this.#attempts, ...this.#verdict() };
  }

  async stop(): Promise<void> {
    await Promise.all(Object.values(this.#agents).map((agent) => agent.kill()));
  }

  get #isOver(): boolean {
    return this.#ended.source?.ok === true && this.#ended.destination?.ok === true;
  }

  #failures() {
    return Object.values(this.#ended).flatMap((ended) => (ended.ok ? [] : [failure.parse(ended['failure'])]));
  }

  #verdict(): Pick<StagedResult, 'wrong' | 'resentBytes'> {
    const { source, destination } = this.#ended;
    if (!this.#isOver) {
      const failures = this.#failures().map(({ code, message }) => `${code}: ${message}`);
      return { wrong: failures.length > 0 ? failures : [`it did not end within ${endMsMax / 1000} s`], resentBytes: 0 };
    }
    const [staged, copied] = [valueIn(source), valueIn(destination)];
    const same = staged['digest'] === copied['digest'];
    return { wrong: same ? [] : ['the ends tell different digests'], resentBytes: Number(copied['resentBytes']) };
  }

  /** Both ends anew, as a run does: with the container, which storage may have forgotten, and what the ledger says. */
  async #attempt(): Promise<void> {
    this.#attempts += 1;
    await this.stop();
    delete this.#ended.source;
    delete this.#ended.destination;
    this.#container = await newContainer(this.#plan.azurite.connectionString, this.#plan.container);
    await Promise.all([this.#begin('source'), this.#begin('destination')]);
  }

  async #begin(end: Agent): Promise<void> {
    const { image, target } = this.#plan;
    const agent = startRouteProcess('staged-end', {
      end,
      runId: run,
      name: 'disk',
      access: this.#container?.access(end === 'source' ? 'rc' : 'r', accessMs),
      batchKeyHex: this.#batchKeyHex,
      path: end === 'source' ? image : target,
      journalPath: `${target}.journal`,
      subject: imageSubject,
      bandwidthBytesPerSecondMax: end === 'source' ? this.#rate : null,
      ledgerWatermarkBytes: await this.#watermarkBytes(),
      sourceMsMax,
    });
    this.#agents[end] = agent;
    agent.next(pullEnd).then(
      ({ outcome }) => {
        if (this.#agents[end] === agent) this.#ended[end] = outcome;
      },
      (thrown: unknown) => {
        // Killed it is meant to be gone.
        if (this.#agents[end] === agent)
          this.#ended[end] = { ok: false, failure: { code: 'Bug', retry: 'permanent', message: String(thrown) } };
      },
    );
  }

  /** Waits, until both ends are done or one has failed at the latest. */
  async #whileGoing(ms: number): Promise<void> {
    const untilMs = performance.now() + ms;
    while (performance.now() < untilMs && !this.#isOver && this.#failures().length === 0) await delay(5);
  }

  async #kill(end: StagedEnd): Promise<void> {
    const { azurite, random } = this.#plan;
    if (end === 'storage') {
      await azurite.crash(random() * downMsMax);
      this.#kills.push(end);
      return;
    }
    // One that has ended is not there to be killed.
    if (this.#ended[end] !== undefined) return;
    const agent = this.#agents[end];
    delete this.#agents[end];
    await agent?.kill();
    this.#kills.push(end);
    await this.#begin(end);
  }

  async #watermarkBytes(): Promise<number> {
    const decoded = decodeJournal(await readFile(`${this.#plan.target}.journal`).catch(() => Buffer.alloc(0)));
    if (!decoded.ok) throw new Error(decoded.reason);
    const mark = decoded.records.findLast((record) => record.record === 'mark');
    return mark?.watermarkBytes ?? 0;
  }
}

const valueIn = (ended: Ended | undefined): Record<string, unknown> =>
  (ended?.['value'] ?? {}) as Record<string, unknown>;
