import type { HttpResponseInit } from '@azure/functions';
import type { z } from 'zod';
import { failureOf, type Failure } from '../../contracts/failure';
import { fieldIssues } from '../../contracts/issues';
import type { FailureCode } from '../../contracts/failure-codes';
import type { Problem } from '../../contracts/problem';

/** Statuses of failures; what is not named is 422: understood, and impossible as things stand. */
const statuses: Partial<Record<FailureCode, number>> = {
  BodyNotJson: 400,
  RequestInvalid: 400,
  BodyTooLarge: 413,
  NotFound: 404,
  IdConflict: 409,
  TooLate: 409,
  Bug: 500,
  DocumentDamaged: 500,
  StorageUnavailable: 503,
  RelayUnreachable: 503,
  AgentTimedOut: 503,
  AgentError: 502,
};

export const json = (status: number, body: unknown, headers: Record<string, string> = {}): HttpResponseInit => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
  body: JSON.stringify(body),
});

/** A failure as an RFC 9457 problem document. */
export function problemOf(failure: Failure, errors?: Problem['errors']): HttpResponseInit {
  const status = statuses[failure.code] ?? 422;
  const body: Problem = {
    type: `urn:hyperferry:problem:${failure.code}`,
    title: titleOf(failure.code),
    status,
    detail: failure.message,
    code: failure.code,
    ...(failure.subject.field === undefined ? {} : { field: failure.subject.field }),
    ...(failure.subject.value === undefined ? {} : { value: failure.subject.value }),
    ...(failure.remedy === undefined ? {} : { remedy: failure.remedy }),
    ...(errors === undefined ? {} : { errors }),
  };
  return json(status, body, { 'content-type': 'application/problem+json', ...retryAfter(failure) });
}

const retryAfter = (failure: Failure): Record<string, string> =>
  failure.retry === 'transient' ? { 'retry-after': '5' } : {};

/** `VmNotFound` reads "VM not found". */
const titleOf = (code: FailureCode): string => {
  const words = code.replace(/(?<!^)([A-Z])/g, ' $1').toLowerCase();
  return (
    (words[0] ?? '').toUpperCase() +
    words
      .slice(1)
      .replace(/\bvm\b/g, 'VM')
      .replace(/\bvhdx\b/g, 'VHDX')
  );
};

/** What a schema found wrong with a document, as a problem that names every field with its value. */
export function problemOfIssues(error: z.ZodError, document: unknown): HttpResponseInit {
  const errors = fieldIssues(error)
    .slice(0, 20)
    .map((issue) => {
      const value = valueAt(document, issue.path);
      return { field: issue.path.join('.'), detail: issue.message, ...(value === undefined ? {} : { value }) };
    });
  const [first] = errors;
  const failure = failureOf('RequestInvalid', {
    message: errors.map((one) => `${one.field === '' ? 'the document' : one.field}: ${one.detail}`).join('; '),
    subject: { field: first?.field ?? '', ...(first?.value === undefined ? {} : { value: first.value }) },
  });
  return problemOf(failure, errors);
}

const shownCharactersMax = 100;

function valueAt(document: unknown, path: readonly PropertyKey[]): string | undefined {
  let value = document;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value === undefined ? undefined : JSON.stringify(value).slice(0, shownCharactersMax);
}
