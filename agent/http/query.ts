import type { z } from 'zod';
import { failed, failureOf, succeeded, type Outcome } from '../../contracts/failure';
import { shown } from '../invalid';

/** How long an answer may be held back for an operation to end, well inside the relay's 60 seconds. */
export const waitMsMax = 20_000;

/** A request's target in its parts. The path stays as it was sent: ids need no escapes. */
export function splitTarget(target: string): { readonly path: string; readonly query: URLSearchParams } {
  const at = target.indexOf('?');
  return at === -1
    ? { path: target, query: new URLSearchParams() }
    : { path: target.slice(0, at), query: new URLSearchParams(target.slice(at + 1)) };
}

/** `waitMs` of a query; 0 when it is not there. */
export function waitMsOf(query: URLSearchParams): Outcome<number> {
  const text = query.get('waitMs');
  if (text === null) return succeeded(0);
  const waitMs = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (waitMs <= waitMsMax) return succeeded(waitMs);
  return failed(
    failureOf('RequestInvalid', {
      message: `waitMs: use a whole number of milliseconds from 0 to ${waitMsMax}`,
      subject: { field: 'waitMs', value: shown(text) },
    }),
  );
}

/** An id of a path or a query, or why it is none. */
export function idOf<S extends z.ZodType>(schema: S, field: string, text: string): Outcome<z.infer<S>> {
  const parsed = schema.safeParse(text);
  if (parsed.success) return succeeded(parsed.data);
  const message = `${field}: ${parsed.error.issues[0]?.message ?? 'not an id'}`;
  return failed(failureOf('RequestInvalid', { message, subject: { field, value: shown(text) } }));
}

/** An id of a query that may be left out. */
export function idIfGiven<S extends z.ZodType>(
  schema: S,
  field: string,
  query: URLSearchParams,
): Outcome<z.infer<S> | undefined> {
  const text = query.get(field);
  return text === null ? succeeded(undefined) : idOf(schema, field, text);
}
