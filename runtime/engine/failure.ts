import { z } from 'zod';
import type { FailureDetails } from './history';
import type { FunctionKind, InvocationEnd, Invoker } from './invoker';

/** Why an activity or a child failed, as TaskFailed and SubOrchestrationInstanceFailed carry it. */
export type TaskFailure = {
  readonly Reason: string;
  readonly Details: string;
  readonly FailureDetails: FailureDetails | null;
};

const providedDetails = z.object({
  errorType: z.string(),
  errorMessage: z.string(),
  isNonRetriable: z.boolean().default(false),
  stackTrace: z.string().nullish(),
  properties: z.record(z.string(), z.unknown()),
});

/** What durable-functions wrote into the error's message when the app registered an exception properties provider. */
function detailsIn(message: string): FailureDetails | null {
  if (!message.startsWith('{')) return null;
  try {
    const parsed = providedDetails.safeParse(JSON.parse(message));
    if (!parsed.success) return null;
    return {
      ErrorType: parsed.data.errorType,
      ErrorMessage: parsed.data.errorMessage,
      StackTrace: parsed.data.stackTrace ?? null,
      IsNonRetriable: parsed.data.isNonRetriable,
      Properties: parsed.data.properties,
      InnerFailure: null,
    };
  } catch {
    return null;
  }
}

/** An activity that threw, in the extension's words (two spaces before the message are its own). */
export function activityFailure(name: string, thrown: Extract<InvocationEnd, { kind: 'threw' }>): TaskFailure {
  const details = detailsIn(thrown.message);
  const message = ` ${details?.ErrorMessage ?? thrown.message}`;
  return {
    Reason: `Activity function '${name}' failed: ${message}`,
    Details: JSON.stringify({
      $type: 'System.Exception, System.Private.CoreLib',
      ClassName: 'System.Exception',
      Message: message,
      Data: null,
      InnerException: {
        $type: 'RpcException, host',
        Message: `Result: Failure\nException: ${thrown.message}\nStack: ${thrown.stack}`,
        InnerException: null,
      },
    }),
    FailureDetails: details,
  };
}

export const plainFailure = (reason: string, details: string): TaskFailure => ({
  Reason: reason,
  Details: details,
  FailureDetails: null,
});

const nouns = { orchestrator: 'orchestrator', activity: 'activity', entity: 'entity' } as const;

/** Why a function cannot be called, in the extension's words; undefined when it can. */
export function missingFunction(invoker: Invoker, name: string, kind: keyof typeof nouns): string | undefined {
  if (invoker.kindOf(name) === (kind satisfies FunctionKind)) return undefined;
  const noun = nouns[kind];
  const known = invoker.namesOf(kind).map((other) => `'${other}'`);
  const info =
    known.length === 0
      ? `No ${noun} functions are currently registered!`
      : `The following are the known ${noun} functions: ${known.join(', ')}.`;
  const article = noun === 'orchestrator' ? 'an orchestrator' : `an ${noun}`;
  return `The function '${name}' doesn't exist, is disabled, or is not ${article} function. Additional info: ${info}`;
}
