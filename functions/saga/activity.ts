import type { OrchestrationContext } from 'durable-functions';
import type { ActivityDefinition } from '../../contracts/activity';
import { describeThrown, failed, failureOf, type Failure, type Outcome } from '../../contracts/failure';
import type { Run } from './run';
import type { Durable } from './step';

/**
 * Calls an activity and answers its outcome. An activity that threw, or a worker that died under it, is a failure with effect unknown:
 * activities run at least once, and what a dead one did is for the agent to say.
 */
export function* callActivity<Input, Output>(
  context: OrchestrationContext,
  definition: ActivityDefinition<Input, Output>,
  input: Input,
): Durable<Outcome<Output>> {
  let answer: unknown;
  try {
    answer = yield context.df.callActivity(definition.name, input);
  } catch (thrown) {
    return failed(threw(definition.name, thrown));
  }
  return outcomeOf(definition, answer);
}

/**
 * The same for an activity of a run, which hears people meanwhile: a host that has no power may keep an activity for half a minute, and a
 * cancel is confirmed without it.
 */
export function* callForRun<RunInput, Input, Output>(
  run: Run<RunInput>,
  definition: ActivityDefinition<Input, Output>,
  input: Input,
): Durable<Outcome<Output>> {
  const task = run.context.df.callActivity(definition.name, input);
  yield* run.whileListening(task);
  return task.isFaulted ? failed(threw(definition.name, task.result)) : outcomeOf(definition, task.result);
}

const threw = (name: string, thrown: unknown): Failure =>
  failureOf('ActivityThrew', { message: `${name}: ${describeThrown(thrown)}` });

function outcomeOf<Input, Output>(definition: ActivityDefinition<Input, Output>, answer: unknown): Outcome<Output> {
  const parsed = definition.outcome.safeParse(answer);
  if (parsed.success) return parsed.data;
  return failed(
    failureOf('Bug', {
      message: `${definition.name} answered something else than its outcome: ${parsed.error.message}`,
    }),
  );
}
