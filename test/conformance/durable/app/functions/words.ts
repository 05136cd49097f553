/** What the functions of this app share. */
import type * as df from 'durable-functions';

export type Context = df.OrchestrationContext;
export type Steps = Generator<df.Task, unknown, unknown>;

/** What an orchestrator can tell of an error that it has caught. */
export function describe(thrown: unknown): { readonly isError: boolean; readonly message: string } {
  return { isError: thrown instanceof Error, message: thrown instanceof Error ? thrown.message : String(thrown) };
}

/** The moment `ms` after now, as the orchestration knows it. */
export const after = (context: Context, ms: number): Date => new Date(context.df.currentUtcDateTime.getTime() + ms);

const noSteps: readonly df.Task[] = [];

/** An orchestrator that ends in its first turn, without waiting for anything. */
export const atOnce = (answer: (context: Context) => unknown): df.OrchestrationHandler =>
  function* (context: Context): Steps {
    yield* noSteps;
    return answer(context);
  };

/** Throws a value that is no Error, as JavaScript code may. */
export function throwValue(value: unknown): never {
  const thrower = (function* () {
    yield undefined;
  })();
  thrower.throw(value);
  throw new Error('not reached');
}
