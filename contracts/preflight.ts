import { z } from 'zod';
import { failure } from './failure';

export const severities = ['critical', 'warning', 'information'] as const;
export type Severity = (typeof severities)[number];

/**
 * A finding of preflight. A check that could not look, since a host does not tell a fact, is a concern too: of a critical check it is a
 * warning, of a warning it is information.
 */
export const concern = z.object({
  checkId: z.string(),
  severity: z.enum(severities),
  outcome: z.enum(['found', 'not-known']),
  /** What the check looked at, by the names of docs/preflight.md. */
  fields: z.array(z.object({ name: z.string(), value: z.string() })),
  message: z.string(),
  remedy: z.string(),
});
export type Concern = z.infer<typeof concern>;

export const checkOutcomes = ['passed', 'found', 'not-known', 'skipped', 'not-of-this-kind'] as const;
export type CheckOutcome = (typeof checkOutcomes)[number];

export const preflightReport = z.object({
  schema: z.literal(1),
  /** Why a run would be refused; null when it would begin. A transient one may pass by itself. */
  refusal: failure.nullable(),
  /** The gravest first. */
  concerns: z.array(concern),
});
export type PreflightReport = z.infer<typeof preflightReport>;

/** The body that `POST /api/preflight` answers: the report, and what became of every check. `skipped`: another finding is why it could not look. */
export const preflightAnswer = preflightReport.extend({
  checks: z.array(z.object({ checkId: z.string(), outcome: z.enum(checkOutcomes) })),
});
export type PreflightAnswer = z.infer<typeof preflightAnswer>;

/** Concerns as a status shows them: as many as have room in it, without the facts. */
export const concernsShown = z.object({
  concerns: z.array(concern.omit({ fields: true })).default([]),
  /** How many more there are; the receipt of the run has all. */
  concernsLeftOut: z.int().nonnegative().default(0),
});

/** Characters of JSON that the concerns of a status take at most: a part of `customStatusCharactersMax`. */
const shownCharactersMax = 3000;

/** The gravest concerns first, so that what is left out weighs least. */
export function shownConcerns(all: readonly Concern[]): z.infer<typeof concernsShown> {
  const concerns: z.infer<typeof concernsShown>['concerns'] = [];
  let characters = 0;
  for (const { fields: _fields, ...one } of all) {
    characters += JSON.stringify(one).length + 1;
    if (characters > shownCharactersMax) break;
    concerns.push(one);
  }
  return { concerns, concernsLeftOut: all.length - concerns.length };
}
