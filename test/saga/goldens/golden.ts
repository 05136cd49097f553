import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { kinds } from '../../../contracts/migration';
import '../../../functions/orchestrators';
import { LocalInvoker } from '../../../runtime/core/local-invoker';
import { ActionType, answerOf, type Action, type OrchestratorAnswer } from '../../../runtime/engine/answer';
import { historyEvent } from '../../../runtime/engine/history';
import type { InvocationEnd, OrchestratorTurn } from '../../../runtime/engine/invoker';
import { projectRoot } from '../../project-root';

// A golden is the last turn of each generation of a run as the embedded runtime ran it: the whole history, and what the orchestrator of that
// day decided on it. Durable orchestrations are replayed from such histories, also by an app that was deployed in the middle of a run.

export const goldensFolder = join(projectRoot, 'test', 'saga', 'goldens', 'files');

const decision = z.record(z.string(), z.unknown());
const generation = z.object({
  functionName: z.string(),
  turn: z.object({
    instanceId: z.string(),
    executionId: z.string(),
    history: z.array(historyEvent),
    playedCount: z.int(),
    input: z.string().nullable(),
  }),
  decisions: z.array(decision),
});
export type GoldenGeneration = z.infer<typeof generation>;

export const golden = z.object({
  kind: z.enum(kinds),
  itineraryVersion: z.int(),
  /** How it was asked for, and what befell it. */
  story: z.string(),
  generations: z.array(generation).min(1),
});
export type Golden = z.infer<typeof golden>;

export function readGoldens(): { readonly file: string; readonly golden: Golden }[] {
  const files = existsSync(goldensFolder) ? readdirSync(goldensFolder) : [];
  return files.map((file) => {
    const parsed: unknown = JSON.parse(readFileSync(join(goldensFolder, file), 'utf8'));
    return { file, golden: golden.parse(parsed) };
  });
}

/** What an activity was asked for, as far as a later replay depends on it: which operation, on which host, under which epoch. */
const asked = z
  .object({
    host: z.string(),
    operationId: z.string(),
    epoch: z.int(),
    operations: z.array(z.object({ host: z.string(), operationId: z.string() })),
  })
  .partial();

function decisionOf(action: Action): z.infer<typeof decision> {
  switch (action.actionType) {
    case ActionType.CallActivity: {
      const input = asked.safeParse(action.input);
      return { activity: action.functionName, ...(input.success ? input.data : {}) };
    }
    case ActionType.CreateTimer:
      return { timer: action.fireAt, canceled: action.isCanceled };
    case ActionType.WaitForExternalEvent:
      return { event: action.externalEventName };
    case ActionType.WhenAny:
    case ActionType.WhenAll:
      return { [action.actionType === ActionType.WhenAny ? 'any' : 'all']: action.compoundActions.map(decisionOf) };
    case ActionType.ContinueAsNew:
      return { continueAsNew: true };
    default:
      return { action: action.actionType };
  }
}

/** What an orchestrator decided over a whole history: actions in their order, and whether it ended, and how. */
export function decisionsOf(answer: OrchestratorAnswer): z.infer<typeof decision>[] {
  const end = answer.isDone ? [{ end: answer.output ?? null }] : [];
  const error = answer.error === undefined ? [] : [{ error: answer.error }];
  // Through JSON, as the golden has them.
  const all: unknown = JSON.parse(JSON.stringify([...answer.actions.flat().map(decisionOf), ...end, ...error]));
  return z.array(decision).parse(all);
}

export function answerFrom(ended: InvocationEnd): OrchestratorAnswer {
  if (ended.kind !== 'returned' && ended.kind !== 'threw') throw new Error(`the turn was ${ended.kind}`);
  const read = answerOf(ended);
  if (read.kind === 'unreadable') throw new Error(read.reason);
  return read.answer;
}

/** Lets today's code decide on a recorded history. */
export async function replayed({ functionName, turn }: GoldenGeneration): Promise<z.infer<typeof decision>[]> {
  const whole: OrchestratorTurn = { ...turn, parentInstanceId: null, sourceInstanceId: null, knownActions: null };
  const ended = await new LocalInvoker({}, () => undefined).invoke({ kind: 'orchestrator', functionName, turn: whole });
  return decisionsOf(answerFrom(ended));
}
