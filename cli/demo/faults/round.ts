import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describeThrown } from '../../../contracts/failure';
import { runIdOf, type MigrationId } from '../../../contracts/ids';
import { migrationRequest, type MigrationStatus } from '../../../contracts/migration';
import type { Receipt } from '../../../contracts/receipt';
import type { HyperferryApi } from '../../api/client';
import type { Context } from '../../context';
import { agentName } from '../../stack/services';
import type { Stack } from '../../stack/stack';
import { patiently } from '../patiently';
import { compareDisks, type Comparison } from './compare';
import { killAndRecover, waitForMoment, type Kill, type RoundPlace } from './kill';
import { Observer } from './observer';
import type { Moment, PhaseTimes, Victim } from './plan';
import { costsOf, type Cost, type Reading } from './resent';

/** One migration with its kills. */
export type Round = {
  readonly id: MigrationId;
  readonly place: RoundPlace;
  readonly state: MigrationStatus['state'] | 'not started';
  readonly kills: readonly (Kill & { readonly cost: Cost })[];
  readonly answered: number;
  readonly sentBytes: number;
  readonly resentBytes: number;
  readonly phases: PhaseTimes;
  readonly comparison: Comparison | { readonly error: string } | undefined;
  readonly heartbeat: 'ok' | 'not seen';
};

export type RoundPlan = {
  readonly id: MigrationId;
  readonly kind: RouteKind;
  readonly place: RoundPlace;
  readonly bandwidthBytesPerSecondMax: number;
  readonly moments: readonly Moment[];
  readonly times: PhaseTimes;
  readonly nextVictim: () => Victim;
};

type Tools = {
  readonly context: Context;
  readonly stack: Stack;
  readonly api: HyperferryApi;
  readonly say: (line: string) => void;
};

/** Kinds whose bytes our own byte route carries to another host. */
export const routeKinds = ['quick-storage', 'warm', 'lan'] as const;
export type RouteKind = (typeof routeKinds)[number];

/** A run that takes longer than this, kills included, is given up. */
const roundMsMax = 10 * 60_000;

async function killThrough(
  plan: RoundPlan,
  observer: Observer,
  deadlineMs: number,
  { context, stack, say }: Tools,
): Promise<Kill[]> {
  const { clock } = context;
  const from = { startedMs: clock.now(), deadlineMs };
  const kills: Kill[] = [];
  for (const moment of plan.moments) {
    if (context.signal.aborted || !(await waitForMoment(moment, plan.times, observer, from, clock))) break;
    const victim = plan.nextVictim();
    say(`  kill -9 ${victim}, in ${observer.status?.phase ?? 'between phases'}`);
    const kill = await killAndRecover(victim, plan.place, stack, observer, clock);
    kills.push(kill);
    if (kill.recoveredMs === null) break;
  }
  return kills;
}

const phaseTimesOf = (receipt: Receipt | undefined): PhaseTimes =>
  (receipt?.phases ?? [])
    .filter(({ action }) => action === 'do')
    .map(({ name, startedAt, endedAt }) => ({ name, ms: Math.max(50, Date.parse(endedAt) - Date.parse(startedAt)) }));

function chargedKills(kills: readonly Kill[], resentBytes: number): Round['kills'] {
  const readings: Reading[] = kills.flatMap(({ beyondWatermarkBytes }, index) =>
    beyondWatermarkBytes === undefined ? [] : [{ afterKill: index, totalBytes: beyondWatermarkBytes }],
  );
  const costs = costsOf(kills.length, [...readings, { afterKill: 'end', totalBytes: resentBytes }]);
  return kills.map((kill, index) => ({ ...kill, cost: costs[index] ?? { bytes: 0, exact: true } }));
}

/** The guest itself finds its disk as it remembers it, or says that it does not. */
async function heartbeatOf(plan: RoundPlan, { context, api }: Tools): Promise<Round['heartbeat']> {
  const deadlineMs = context.clock.now() + 30_000;
  while (context.clock.now() < deadlineMs) {
    const page = await api.vms(plan.place.destination);
    const vm = page.ok ? page.value.items.find(({ vmId }) => vmId === plan.place.vmId) : undefined;
    if (vm?.state === 'running' && vm.heartbeat === 'ok') return 'ok';
    await context.clock.sleep(200, context.signal);
  }
  return 'not seen';
}

async function compareNow(plan: RoundPlan, { stack }: Tools): Promise<Round['comparison']> {
  const { source, destination, vmId } = plan.place;
  try {
    return await compareDisks({
      runId: runIdOf(plan.id),
      vmId,
      sourceFolder: stack.layout.hostFolder(source),
      destinationFolder: stack.layout.hostFolder(destination),
      scratchFolder: stack.layout.home,
    });
  } catch (thrown) {
    return { error: describeThrown(thrown) };
  }
}

/** Compares while the agent of the destination is stopped, as its guest writes all the time. */
async function compare(plan: RoundPlan, tools: Tools): Promise<Round['comparison']> {
  const agent = agentName(plan.place.destination);
  await tools.stack.supervisor.stopOne(agent);
  const comparison = await compareNow(plan, tools);
  const again = await tools.stack.startAgain(agent);
  return again.ok ? comparison : { error: again.failure.title };
}

/** Moves the VM once, kills on the way, and looks at what came of it. */
export async function runRound(plan: RoundPlan, tools: Tools): Promise<Round> {
  const { context, api, say } = tools;
  const { place, id } = plan;
  const request = migrationRequest.parse({
    id,
    kind: plan.kind,
    vmId: place.vmId,
    sourceHost: place.source,
    destinationHost: place.destination,
    destinationFolder: place.folder,
    policy: { bandwidthBytesPerSecondMax: plan.bandwidthBytesPerSecondMax, retire: 'keep' },
  });
  const nothing = { id, place, kills: [], answered: 0, sentBytes: 0, resentBytes: 0, phases: plan.times } as const;
  const started = await patiently(context, () => api.startMigration(request));
  if (!started.ok) {
    say(`  the migration could not be started: ${JSON.stringify(started.error)}`);
    return { ...nothing, state: 'not started', comparison: undefined, heartbeat: 'not seen' };
  }
  const observer = new Observer(api, id, context.clock, say);
  observer.start();
  const deadlineMs = context.clock.now() + roundMsMax;
  const kills = await killThrough(plan, observer, deadlineMs, tools);
  while (!observer.ended && context.clock.now() < deadlineMs && !context.signal.aborted) await context.clock.sleep(100);
  await observer.stop();
  const state = observer.status?.state ?? 'not started';
  const receipt = observer.ended ? await patiently(context, () => api.receipt(id)) : undefined;
  const proof = receipt?.ok === true ? receipt.value.receipt : undefined;
  const sum = (of: 'sentBytes' | 'resentBytes'): number =>
    (proof?.files ?? []).reduce((all, file) => all + file[of], 0);
  const completed = state === 'completed';
  return {
    id,
    place,
    state,
    kills: chargedKills(kills, sum('resentBytes')),
    answered: observer.answered,
    sentBytes: sum('sentBytes'),
    resentBytes: sum('resentBytes'),
    phases: phaseTimesOf(proof),
    heartbeat: completed ? await heartbeatOf(plan, tools) : 'not seen',
    comparison: completed ? await compare(plan, tools) : undefined,
  };
}

/** Removes the files of a retired source that is no longer registered, as an administrator would. */
export const removeRetired = (place: RoundPlace): void =>
  rmSync(join(place.folder, place.vmId), { recursive: true, force: true });
