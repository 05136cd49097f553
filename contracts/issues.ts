import type { z } from 'zod';

export type FieldIssue = { readonly path: readonly PropertyKey[]; readonly message: string };

/** What a schema found wrong, by field: a key that nobody knows is a field, too. */
export const fieldIssues = (error: z.ZodError): FieldIssue[] =>
  error.issues.flatMap((issue): FieldIssue[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path: [...issue.path, key], message: issue.message }))
      : [{ path: issue.path, message: issue.message }],
  );

const toldMax = 5;

/** Issues as one line, the first few of them: a document that comes from elsewhere may have as many as it has bytes. */
export const issuesText = (texts: readonly string[]): string =>
  [...texts.slice(0, toldMax), ...(texts.length > toldMax ? [`and ${texts.length - toldMax} more`] : [])].join('; ');
