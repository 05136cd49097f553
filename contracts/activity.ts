import { z } from 'zod';
import { failure } from './failure';

export const outcomeOf = <Output>(output: z.ZodType<Output>) =>
  z.discriminatedUnion('ok', [
    z.object({ ok: z.literal(true), value: output }),
    z.object({ ok: z.literal(false), failure }),
  ]);

/** An activity as an orchestrator may know it: its name and the shapes of what goes in and comes out. */
export type ActivityDefinition<Input, Output> = {
  readonly name: string;
  readonly input: z.ZodType<Input>;
  readonly output: z.ZodType<Output>;
  /** What it answers. Activities answer outcomes: a throw crosses the Durable boundary as text and cannot tell transient from permanent. */
  readonly outcome: ReturnType<typeof outcomeOf<Output>>;
};

/** Made once an activity, not once a call: a replay parses every answer of its history again. */
export const defineActivity = <Input, Output>(
  name: string,
  input: z.ZodType<Input>,
  output: z.ZodType<Output>,
): ActivityDefinition<Input, Output> => ({ name, input, output, outcome: outcomeOf(output) });
