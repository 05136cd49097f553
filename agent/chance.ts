import { randomUUID } from 'node:crypto';
import { systemRandom, type Random } from '../relay/random';

/** What an agent draws: pauses before it connects again, ids of what it makes. A parameter, so that a test can own it. */
export type Chance = { readonly random: Random; readonly newGuid: () => string };

export const systemChance: Chance = { random: systemRandom, newGuid: randomUUID };
