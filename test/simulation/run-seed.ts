import { batchDocument } from '../../contracts/batch';
import { hostId } from '../../contracts/ids';
import { isStaged, runCommandEvent } from '../../contracts/migration';
import { install } from './faults';
import { Draw } from './platform/chance';
import { outside } from './platform/program';
import type { Plan } from './plan';
import { answerQuestion, type Person } from './person';
import { homeOf, runsAfter } from './oracles/ends';
import { namesIn } from './oracles/registrations';
import type { Foretold } from './oracles/foretelling';
import { Watch, type WatchedMove } from './oracles/watch';
import type { Violation } from './oracles/violation';
import { Site } from './world/site';
import type { Templates } from './world/templates';

export type SeedResult = {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly marks: Readonly<Record<string, number>>;
  readonly events: number;
  readonly fingerprint: number;
  readonly virtualMs: number;
  /** How each run ended. */
  readonly ends: readonly string[];
  /** What completed runs said of their ends. */
  readonly foretold: readonly Foretold[];
};

export type SeedOptions = {
  /** Told what happens, line by line. */
  readonly trace?: (line: string) => void;
};

/** The agents are up by then. */
const batchAtMs = 200;
/** Every run has ended by then, whatever was drawn: faults last minutes, and questions are answered. */
const batchMsMax = 3_600_000;
const calmMsMax = 10 * 60_000;
const laterMs = 1_000;

/** Lives through one plan and checks everything. */
export async function runSeed(plan: Plan, templates: Templates, options: SeedOptions = {}): Promise<SeedResult> {
  const watch = new Watch();
  const { trace } = options;
  const site: Site = new Site(plan, templates, {
    names: watch.names,
    written: watch.written,
    commit: watch.commit,
    filesOf: watch.filesOf,
    log: (machine, level, event, fields) => {
      trace?.(`${at(site)} ${machine} ${level} ${event} ${JSON.stringify(fields)}`);
      watch.log(machine, event, fields);
    },
  });
  const person: Person = { site, watch, draw: new Draw(plan.seed, 'person'), retries: new Map() };
  watch.begin(site, plan, (move) => {
    const report = watch.moves[move]?.run.report;
    trace?.(`${at(site)} run ${move + 1} ${JSON.stringify(report)}`);
    answerQuestion(person, move);
  });
  site.start();
  site.loop.schedule(batchAtMs, () => startBatch(plan, site), outside);
  const setting = {
    site,
    mark: watch.mark,
    requests: plan.requests,
    reportOf: (move: number) => (watch.moves[move]?.run.isActive === true ? watch.moves[move].run.report : undefined),
    hasMoved: (move: number) => watch.moves[move]?.vm.moved === true,
    replyLost: watch.replyLost,
    cancel: (move: number) => cancel(site, watch, move),
  };
  for (const fault of plan.faults) install(fault, plan.seed, setting);

  const startMs = site.loop.nowMs;
  const ended = await site.loop.run(
    startMs + batchMsMax,
    () => watch.isOver || watch.violations.length > 0,
    watch.check,
  );
  if (ended === 'time') {
    for (const { run } of watch.moves.filter((one) => one.run.ended === undefined))
      watch.complain('every run ends, or is parked with a question', `${run.runId}: ${JSON.stringify(run.report)}`);
  }
  if (watch.violations.length === 0) await calmDown(site, watch);
  const { events, fingerprint, nowMs } = site.loop;
  site.loop.abandon();
  return {
    seed: plan.seed,
    violations: watch.violations,
    marks: Object.fromEntries(watch.marks),
    events,
    fingerprint,
    virtualMs: nowMs - startMs,
    ends: watch.moves.map(({ run }) => run.ended ?? 'not followed to its end'),
    // Disks of a simulated world are a few blocks, each of which is there all at once: by the staged route nothing tells how fast they come.
    foretold: watch.moves.flatMap(({ run, vm }) => (isStaged(vm.request) ? [] : (run.foretold ?? []))),
  };
}

const at = (site: Site): string => ((site.loop.nowMs % 86_400_000) / 1000).toFixed(3).padStart(10);

function startBatch({ requests, concurrentMax }: Plan, site: Site): void {
  const startAt = new Date(site.loop.nowMs).toISOString();
  const document = batchDocument.parse({
    schema: 1,
    id: 'b',
    startAt,
    createdAt: startAt,
    maxConcurrent: concurrentMax,
    migrations: requests,
  });
  site.cloud.blobs.put('batches/b.json', JSON.stringify(document));
  void site.cloud.client.start({
    name: 'run-batch',
    instanceId: 'batch-b',
    input: JSON.stringify({ batchId: 'b', lookMs: 5_000 }),
  });
}

function cancel(site: Site, watch: Watch, move: number): void {
  const run = watch.moves[move]?.run;
  if (run?.isActive !== true) return;
  watch.mark(run.report?.cancelable === true ? 'a cancel asked' : 'a cancel too late');
  run.canceled(watch.facts);
  void site.cloud.client.raiseEvent(
    run.runId,
    runCommandEvent,
    JSON.stringify({ command: 'cancel', reason: 'a person' }),
  );
}

/** Lets every machine come back, waits until every guest is well, then looks at what is left. */
async function calmDown(site: Site, watch: Watch): Promise<void> {
  const calm = (): boolean =>
    [...site.machines.values()].every((machine) => machine.agent !== undefined) && site.cloud.runs;
  const untilMs = site.loop.nowMs + calmMsMax;
  const sick = new Set(watch.moves);
  const looking = async (): Promise<void> => {
    for (const move of watch.moves) {
      while (sick.has(move)) {
        if (calm() && (await isWell(site, move))) sick.delete(move);
        else await site.loop.pass(3_000);
      }
    }
  };
  site.loop.schedule(0, () => void looking(), outside);
  const isQuiet = (): boolean => sick.size === 0 && calm() && site.loop.nowMs >= site.arrivesUntilMs;
  await site.loop.run(untilMs, () => isQuiet() || watch.violations.length > 0, watch.check);
  for (const machine of site.machines.values())
    if (machine.agent === undefined)
      watch.complain('an agent comes back', `${machine.name}: ${machine.startFailure ?? 'it does not end its start'}`);
  for (const { vm } of sick) watch.complain('a guest is well after everything', vm.vmId);
  if (watch.violations.length === 0) await checkEnd(site, watch);
}

/** A host that goes on writes its files by others that are there for a moment; what a run left is there later, too. */
async function checkEnd(site: Site, watch: Watch): Promise<void> {
  const left = watch.leftovers();
  if (left.length > 0) await site.loop.run(site.loop.nowMs + laterMs, () => watch.violations.length > 0, watch.check);
  const later = left.length === 0 ? [] : watch.leftovers();
  for (const one of left) if (later.includes(one)) watch.complain('nothing of a run is left', one);
  await watch.checkContents();
}

/** Whether the guest says so, and the hypervisors have nothing of it under way. */
async function isWell(site: Site, { vm, run }: WatchedMove): Promise<boolean> {
  if (site.shared !== undefined && namesIn(site.shared.tree, `/handovers/${vm.vmId}`).length > 0) return false;
  if (!runsAfter(vm, run)) return true;
  const facts = await site.cloud.app.agents.vm(hostId.parse(homeOf(vm, run)), vm.vmId);
  return facts.ok && facts.value.heartbeat === 'ok';
}
