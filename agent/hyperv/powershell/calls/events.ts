import { z } from 'zod';
import { ofVm } from './vm';

export const eventsArguments = ofVm.extend({
  SinceMs: z.int().nonnegative().max(4_102_444_800_000),
  Count: z.int().min(1).max(100),
});

/** As scripts/handlers/events.ps1 tells them, the latest last. */
export const eventsValue = z.object({
  events: z.array(z.object({ atMs: z.int(), log: z.string(), id: z.int(), message: z.string() })),
});
