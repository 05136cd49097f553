import { z } from 'zod';
import { failure } from './failure';

/** An activity as an orchestrator may know it: its name and the shapes of what goes in and comes out. */
export type ActivityDefinition<Input, Output> = {
  readonly name: string;
  readonly input: z.ZodType<Input>;
  readonly output: z.ZodType<Output>;
};

/** Activities answer outcomes: a throw crosses the Durable boundary as text and cannot tell transient from permanent. */
export const outcomeOf = <Output>(output: z.ZodType<Output>) =>
  z.discriminatedUnion('ok', [
    z.object({ ok: z.literal(true), value: output }),
    z.object({ ok: z.literal(false), failure }),
  ]);

export const defineActivity = <Input, Output>(
  name: string,
  input: z.ZodType<Input>,
  output: z.ZodType<Output>,
): ActivityDefinition<Input, Output> => ({ name, input, output });
