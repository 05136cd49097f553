import type { OrchestrationContext, Task } from 'durable-functions';
import { z } from 'zod';
import { readBatch, readBatchMember, runOutcome, type RunOutcome } from '../../activities/definitions';
import type { ActivityDefinition } from '../../contracts/activity';
import { describeThrown, failureOf } from '../../contracts/failure';
import type { MigrationId } from '../../contracts/ids';
import type { RunInput } from '../../contracts/migration';
import { callActivity } from '../saga/activity';
import { cancelUnlessFired } from '../saga/inbox';
import type { Durable } from '../saga/step';

export const batchInput = z.object({ batchId: z.string(), lookMs: z.int().positive() });

type Member = { readonly id: MigrationId; readonly task: Task };

/**
 * Runs the migrations of a batch as children, at most `maxConcurrent` at once, in the batch's order. One that fails does not fail the
 * others: children answer outcomes.
 *
 * A pending child must not be yielded twice: the SDK would send its action again and the extension would start it again (durable-js
 * #574). So a child is yielded once, beside a timer that is due at once, and from then on only looked at.
 */
export function* runBatch(context: OrchestrationContext): Durable<RunOutcome[]> {
  const { batchId, lookMs } = batchInput.parse(context.df.getInput());
  const batch = yield* persistently(context, readBatch, { batchId }, lookMs);
  const members: Member[] = [];
  for (let index = 0; index < batch.migrationCount; index += 1) {
    while (members.filter((member) => !ended(member)).length >= batch.maxConcurrent) yield* wait(context, lookMs);
    const input = yield* persistently(context, readBatchMember, { batchId, index }, lookMs);
    members.push(yield* begin(context, input));
    context.df.setCustomStatus({ schema: 1, started: members.length, of: batch.migrationCount });
  }
  while (!members.every(ended)) yield* wait(context, lookMs);
  return members.map(outcomeOf);
}

function* begin(context: OrchestrationContext, input: RunInput): Durable<Member> {
  const task = context.df.callSubOrchestrator(`migrate-${input.request.kind}`, { input, state: null }, input.runId);
  const timer = context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime()));
  yield context.df.Task.any([task, timer]);
  cancelUnlessFired(timer);
  return { id: input.request.id, task };
}

function* wait(context: OrchestrationContext, waitMs: number): Durable<void> {
  yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + waitMs));
}

/** Storage that is away for a while must not fail a batch. */
function* persistently<Input, Output>(
  context: OrchestrationContext,
  definition: ActivityDefinition<Input, Output>,
  input: Input,
  waitMs: number,
): Durable<Output> {
  for (;;) {
    const answer = yield* callActivity(context, definition, input);
    if (answer.ok) return answer.value;
    if (answer.failure.retry === 'permanent') throw new Error(answer.failure.message);
    yield* wait(context, waitMs);
  }
}

/** A failed task is not "completed" in the sense of the SDK's field. */
const ended = (member: Member): boolean => member.task.isCompleted || member.task.isFaulted;

function outcomeOf(member: Member): RunOutcome {
  const outcome = runOutcome.safeParse(member.task.result);
  if (outcome.success) return outcome.data;
  const failure = failureOf('Bug', {
    message: `The run ended without an outcome: ${describeThrown(member.task.result)}`,
  });
  return { id: member.id, state: 'parked', failure };
}
