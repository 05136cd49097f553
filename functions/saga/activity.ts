import type { OrchestrationContext } from 'durable-functions';
import type { ActivityDefinition } from '../../contracts/activity';
import { describeThrown, failed, failureOf, type Outcome } from '../../contracts/failure';
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
    return failed(failureOf('ActivityThrew', { message: `${definition.name}: ${describeThrown(thrown)}` }));
  }
  const parsed = definition.outcome.safeParse(answer);
  if (parsed.success) return parsed.data;
  return failed(
    failureOf('Bug', {
      message: `${definition.name} answered something else than its outcome: ${parsed.error.message}`,
    }),
  );
}
