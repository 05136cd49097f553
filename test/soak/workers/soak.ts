import { seededRandom } from '../../../agent/disks/route/testing/random';
import { migrationId } from '../../../contracts/ids';
import type { Kind, Question } from '../../../contracts/migration';
import { destination, source } from '../../agent/small-site';
import { PowerShellSite } from '../../powershell/powershell-site';
import { judge } from './judge';
import { soakRun } from './runs';
import { Strikes, type Kill } from './strikes';

export type WorkersSoakOptions = {
  readonly kills: number;
  readonly seed: number;
  readonly kinds: readonly Kind[];
  readonly say: (line: string) => void;
  /** Ends the soak early; what it started is stopped. */
  readonly signal?: AbortSignal;
};

/** One migration, and what became of it. */
export type SoakedRun = {
  readonly kind: Kind;
  readonly kills: readonly Kill[];
  readonly end: string;
  /** Codes of what it parked with. Each was answered as the runbook says. */
  readonly questions: readonly string[];
  readonly wrong: readonly string[];
};
export type WorkersSoakResult = {
  readonly seed: number;
  readonly runs: readonly SoakedRun[];
  readonly wrong: readonly string[];
};

/** Runs in a row in which nothing was killed before the soak gives up. */
const unkilledMax = 20;

/**
 * Migrates VMs by one kind after another with agents that use the PowerShell driver, and kills their workers in the middle of what they do,
 * until the kills are spent. Each run has to complete or to be rolled back, with its VM on one host and nothing left on either.
 */
export async function soakWorkers(options: WorkersSoakOptions): Promise<WorkersSoakResult> {
  const { kills, seed, kinds, say, signal } = options;
  const site = await PowerShellSite.make();
  try {
    const strikes = new Strikes(kills, seededRandom(seed));
    for (const id of [source, destination]) site.host(id).service.strike = strikes.at;
    const soak = new Soak(site, strikes, signal);
    const runs: SoakedRun[] = [];
    for (let unkilled = 0; strikes.left > 0 && unkilled < unkilledMax;) {
      const kind = kinds[runs.length % kinds.length];
      if (kind === undefined) throw new Error('no kind was named');
      const run = await soak.run(kind, runs.length);
      runs.push(run);
      unkilled = run.kills.length === 0 ? unkilled + 1 : 0;
      const wrong = run.wrong.map((it) => `; WRONG: ${it}`).join('');
      say(`run ${runs.length}, ${kind}: ${run.end}, ${kills - strikes.left} of ${kills} kills${wrong}`);
    }
    const wrong = runs.flatMap((run, at) => run.wrong.map((it) => `run ${at + 1}, ${run.kind}: ${it}`));
    if (strikes.left > 0) wrong.push(`${unkilledMax} runs in a row ended before anything was killed`);
    return { seed, runs, wrong };
  } finally {
    await site.close();
  }
}

class Soak {
  #exported: string | undefined;

  constructor(
    private readonly site: PowerShellSite,
    private readonly strikes: Strikes,
    private readonly signal: AbortSignal | undefined,
  ) {}

  async run(kind: Kind, number: number): Promise<SoakedRun> {
    const id = migrationId.parse(`soak-${number}-${kind}`);
    const run = await soakRun(this.site, kind, number, this.#exported);
    const questions: string[] = [];
    const onQuestion = async ({ questionId, failure }: Question): Promise<void> => {
      questions.push(failure.code);
      const said = await this.site.api.answer(id, questionId, 'retry');
      if (!said.ok) throw new Error(JSON.stringify(said.error));
    };
    const following = { onQuestion, signal: this.signal };
    const { done: receipt, kills } = await this.strikes.during(() => this.site.migrate(id, run.request, following));
    if (kind === 'export' && receipt.state === 'completed')
      this.#exported = this.site.folderOn(run.from, `export-${number}`, 'web');
    const end = receipt.failure === null ? receipt.state : `${receipt.state} (${receipt.failure.code})`;
    return { kind, kills, end, questions, wrong: await judge(this.site, run, receipt) };
  }
}
