import type { z } from 'zod';
import { failureOf, type Failure } from '../contracts/failure';

const shownCharactersMax = 120;

/** What stands at a path of a document; undefined where there is nothing. */
export function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  let value = document;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.entries(value).find(([name]) => name === String(key))?.[1];
  }
  return value;
}

/** A value as a message may show it: short, on one line. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > shownCharactersMax ? `${text.slice(0, shownCharactersMax)}…` : text;
}

/** The first thing that is wrong with a document, by field and value. `within` is the field that `document` itself is, if any. */
export function invalidRequest(error: z.ZodError, document: unknown, within?: string): Failure {
  const issue = error.issues[0];
  const path = issue?.path ?? [];
  const field = [...(within === undefined ? [] : [within]), ...path.map(String)].join('.') || 'body';
  const value = shown(valueAt(document, path));
  return failureOf('RequestInvalid', {
    message: `${field}: ${issue?.message ?? 'not as the contract says'}`,
    subject: { field, value },
  });
}
