import type { Invoker } from '../../../runtime/engine/invoker';
import { rows } from '../matrix/cells';
import { OneRun } from '../run-one';
import type { Plan } from '../world';
import { itineraries } from '../../../functions/orchestrators/kinds';
import { answerFrom, decisionsOf, type Golden, type GoldenGeneration } from './golden';

const mib = 1024 ** 2;

/** What befalls a recorded run: that it goes well, that it is taken back from its pivot, and that a person is asked after it. */
export const fates = ['completes', 'is taken back', 'asks after its pivot'] as const;
type Fate = (typeof fates)[number];

type Row = (typeof rows)[number];
export const stories = rows.flatMap((row) => fates.map((fate) => ({ name: `${row.row} ${fate}`, row, fate })));

function plansOf({ kind }: Row, fate: Fate): Plan[] {
  const itinerary = itineraries.find((one) => one.kind === kind);
  const [pivot, next] = itinerary?.phases.slice(itinerary.pivotIndex, itinerary.pivotIndex + 2) ?? [];
  if (pivot === undefined || next === undefined) throw new Error(`${kind} has no phase after its pivot`);
  switch (fate) {
    case 'completes':
      return [{ phase: pivot.name, action: 'do', fault: 'reply lost' }];
    case 'is taken back':
      return [{ phase: pivot.name, action: 'do', fault: 'refused', always: true }];
    case 'asks after its pivot':
      return [{ phase: next.name, action: 'do', fault: 'refused' }];
  }
}

/** Notes the last turn of each execution. */
function recorder(generations: Map<string, GoldenGeneration>): (own: Invoker) => Invoker {
  return (own) => ({
    kindOf: (name) => own.kindOf(name),
    namesOf: (kind) => own.namesOf(kind),
    invoke: async (invocation, options) => {
      if (invocation.kind === 'orchestrator') {
        const { instanceId, executionId, history, playedCount, input } = invocation.turn;
        const turn = { instanceId, executionId, history: [...history], playedCount, input };
        const whole = { ...invocation, turn: { ...invocation.turn, knownActions: null } };
        const decisions = decisionsOf(answerFrom(await own.invoke(whole, options)));
        generations.set(executionId, { functionName: invocation.functionName, turn, decisions });
      }
      return own.invoke(invocation, options);
    },
  });
}

/** Runs a story on the embedded runtime's engine, answering what it asks, and answers its golden. */
export async function recorded({ name, row, fate }: (typeof stories)[number]): Promise<Golden> {
  const generations = new Map<string, GoldenGeneration>();
  const run = new OneRun(plansOf(row, fate), 1, row.kind, row.policy, row.more, recorder(generations));
  run.world.changedBytes = [mib, 9000 * mib, mib];
  run.world.fixUps = [{ what: 'switch', from: 'LAN', to: 'not connected' }];
  await run.begin();
  await run.onward();
  for (let questions = 0; !run.ended && questions < 5; questions += 1)
    await run.answer(run.report.question?.answers[0] ?? 'retry');
  if (!run.ended) throw new Error(`${name}: the run has not ended`);
  const { version: itineraryVersion } = itineraries.find((one) => one.kind === row.kind) ?? { version: 0 };
  return { kind: row.kind, itineraryVersion, story: name, generations: [...generations.values()] };
}
