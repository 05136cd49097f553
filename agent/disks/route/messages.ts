import { z } from 'zod';
import { bandwidthHours } from '../../../contracts/bandwidth';
import { failure } from '../../../contracts/failure';
import { runId } from '../../../contracts/ids';
import { contentFacts } from './content';
import { contentBytesMax, windowBytesMax, windowBytesMin } from './limits';

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const contentBytes = z.int().nonnegative().max(contentBytesMax);

/** The first message of a connection: who may have what. */
export const openMessage = z.object({ contract: z.literal(1), runId, ticket: z.string().max(8192) });
export type OpenMessage = z.infer<typeof openMessage>;

/** The answer of the source when the ticket is good: what it serves. */
export const factsMessage = z.object({
  facts: contentFacts,
  /** What all extents hold together; frames and skips add up to it. */
  extentBytes: contentBytes,
  windowBytes: z.int().min(windowBytesMin).max(windowBytesMax),
  /** Over how many streams it would send, the connection of the pull among them. The destination opens as many of them as it likes. */
  streamsMax: z.int().min(1).max(1000),
});
export type FactsMessage = z.infer<typeof factsMessage>;

/** The destination has seen that the source is the one it began with, and says from where it goes on. */
export const startMessage = z.object({
  fromBytes: contentBytes,
  /** The digest up to there, which the source continues so that both ends agree on the whole sequence. */
  digest,
  bandwidthBytesPerSecondMax: z.int().positive().nullable(),
  bandwidthHours: bandwidthHours.nullable().default(null),
  /** Whether the destination has a seed, of which it tells when it is asked. */
  hasSeed: z.boolean().default(false),
  /** Ways of packing that it unpacks: `zstd`, and such as later ones may know. */
  unpacks: z.array(z.string().max(20)).max(20).default([]),
});
export type StartMessage = z.infer<typeof startMessage>;

/** Everything was sent, and the source is still the one that was announced. */
export const endMessage = z.object({ digest });
export type EndMessage = z.infer<typeof endMessage>;

/** Why the source does not begin or go on. */
export const refusalMessage = failure;
