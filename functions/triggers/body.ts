import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import type { z } from 'zod';
import { failureOf } from '../../contracts/failure';
import { httpBodyBytesMax } from '../../contracts/limits';
import { problemOf, problemOfIssues } from './answers';

export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly answer: HttpResponseInit };

/** Reads a JSON body of at most `httpBodyBytesMax` bytes and parses it with a schema. An empty body counts as `{}`. */
export async function parseBody<T>(request: HttpRequest, schema: z.ZodType<T>): Promise<Parsed<T>> {
  const declared = Number(request.headers.get('content-length') ?? 0);
  if (declared > httpBodyBytesMax) return tooLarge(declared);
  const text = await request.text();
  if (Buffer.byteLength(text) > httpBodyBytesMax) return tooLarge(Buffer.byteLength(text));
  let document: unknown;
  try {
    document = text.trim() === '' ? {} : JSON.parse(text);
  } catch (thrown) {
    const message = `The body is not JSON: ${thrown instanceof Error ? thrown.message : ''}`;
    return { ok: false, answer: problemOf(failureOf('BodyNotJson', { message })) };
  }
  const parsed = schema.safeParse(document);
  return parsed.success
    ? { ok: true, value: parsed.data }
    : { ok: false, answer: problemOfIssues(parsed.error, document) };
}

/** Parses one value of the route or the query; a wrong one is answered like a missing thing, by name. */
export function parseParameter<S extends z.ZodType>(
  name: string,
  text: string | null | undefined,
  schema: S,
): Parsed<z.output<S>> {
  const parsed = schema.safeParse(text ?? undefined);
  if (parsed.success) return { ok: true, value: parsed.data };
  const reasons = parsed.error.issues.map((issue) => issue.message).join('; ');
  const subject = { field: name, value: (text ?? '').slice(0, 100) };
  return { ok: false, answer: problemOf(failureOf('RequestInvalid', { message: `${name}: ${reasons}`, subject })) };
}

function tooLarge(bytes: number): Parsed<never> {
  const message = `The body has ${bytes} bytes; at most ${httpBodyBytesMax} are read.`;
  return { ok: false, answer: problemOf(failureOf('BodyTooLarge', { message })) };
}
