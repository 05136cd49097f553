import type { MigrationId } from '../../../contracts/ids';
import { migrationRequest, type Kind, type MigrationStatus } from '../../../contracts/migration';
import type { Receipt } from '../../../contracts/receipt';
import type { HyperferryApi } from '../../api/client';
import type { Context } from '../../context';
import type { Stack } from '../../stack/stack';
import { patiently } from '../patiently';
import { readRegistration } from '../registration';
import { fieldsOf, scenes, type RoundPlace } from './kinds';
import { killAndRecover, waitForMoment, type Kill } from './kill';
import { Observer } from './observer';
import { compare, heartbeatOf, leftBehind, type Before, type Compared, type Ended } from './outcome';
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
  readonly comparison: Compared | undefined;
  readonly heartbeat: 'ok' | 'not seen';
  readonly left: readonly string[];
};

export type RoundPlan = {
  readonly id: MigrationId;
  readonly kind: Kind;
  readonly place: RoundPlace;
  readonly before: Before;
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

/** Whether the run ended as one of its kind may: then there is a VM to look at. */
const endedWell = (kind: Kind, state: Round['state']): boolean =>
  state === 'completed' || (scenes[kind].mayRollBack && (state === 'rolled-back' || state === 'rejected'));

/** Moves the VM once, kills on the way, and looks at what came of it. */
export async function runRound(plan: RoundPlan, tools: Tools): Promise<Round> {
  const { context, api, say, stack } = tools;
  const { place, id, kind, before, bandwidthBytesPerSecondMax } = plan;
  const fields = fieldsOf(kind, place, { layout: stack.layout, vmName: before.vmName, bandwidthBytesPerSecondMax });
  const formerHome = readRegistration(stack.layout.hostFolder(place.source), place.vmId)?.home ?? '';
  const nothing = { id, place, kills: [], answered: 0, sentBytes: 0, resentBytes: 0, phases: plan.times } as const;
  const started = await patiently(context, () => api.startMigration(migrationRequest.parse({ ...fields, id })));
  if (!started.ok) {
    say(`  the migration could not be started: ${JSON.stringify(started.error)}`);
    return { ...nothing, state: 'not started', comparison: undefined, heartbeat: 'not seen', left: [] };
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
  const ended: Ended = { kind, id, place, state, formerHome };
  const isWell = endedWell(kind, state);
  return {
    id,
    place,
    state,
    kills: chargedKills(kills, sum('resentBytes')),
    answered: observer.answered,
    sentBytes: sum('sentBytes'),
    resentBytes: sum('resentBytes'),
    phases: phaseTimesOf(proof),
    heartbeat: isWell ? await heartbeatOf(ended, context, api) : 'not seen',
    comparison: isWell ? await compare(ended, before, stack) : undefined,
    left: leftBehind(ended, proof),
  };
}
