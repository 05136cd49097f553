import type { ApiRequest } from './exchange';

export type BodyJson =
  { readonly kind: 'valid'; readonly text: string | null } | { readonly kind: 'invalid'; readonly message: string };

/** Newtonsoft.Json, which the extension reads with, goes no deeper. */
const jsonDepthMax = 64;

function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((child) => isDeeperThan(child, depth - 1));
}

/** The body as JSON text without needless space; none for an empty body or a JSON null. */
export function bodyJson(body: string): BodyJson {
  if (body.trim() === '') return { kind: 'valid', text: null };
  try {
    const value: unknown = JSON.parse(body);
    if (isDeeperThan(value, jsonDepthMax)) {
      return { kind: 'invalid', message: `The reader's MaxDepth of ${jsonDepthMax} has been exceeded.` };
    }
    return { kind: 'valid', text: value === null ? null : JSON.stringify(value) };
  } catch (thrown) {
    return { kind: 'invalid', message: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

export const isJsonType = (contentType: string | undefined): boolean =>
  contentType?.split(';')[0]?.trim().toLowerCase() === 'application/json';

/** An operation's input: JSON as it is, any other text as a JSON string. */
export function entityInput(request: ApiRequest): BodyJson {
  if (request.body === '') return { kind: 'valid', text: null };
  if (isJsonType(request.headers['content-type'])) return bodyJson(request.body);
  return { kind: 'valid', text: JSON.stringify(request.body) };
}
