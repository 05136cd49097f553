/** A request as the runtime's own HTTP interfaces see it: routed, its body read whole. */
export type ApiRequest = {
  readonly method: string;
  /** The path below the interface's base, decoded segment by segment. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  /** The address that the client asked for. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
};

export type ApiResponse = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; undefined for no body at all. */
  readonly body?: unknown;
};

/** The last value of a query parameter whose name is compared without regard to case, as ASP.NET does. */
export function queryValue(query: URLSearchParams, name: string): string | undefined {
  let found: string | undefined;
  for (const [key, value] of query) if (key.toLowerCase() === name.toLowerCase()) found = value;
  return found;
}

export function queryFlag(query: URLSearchParams, name: string): boolean | undefined {
  const text = queryValue(query, name)?.toLowerCase();
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

/** Milliseconds of a date in the query; undefined when there is none or it cannot be read. */
export function queryTimeMs(query: URLSearchParams, name: string): number | undefined {
  const ms = Date.parse(queryValue(query, name) ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}

export function queryNumber(query: URLSearchParams, name: string): number | undefined {
  const text = queryValue(query, name);
  const number = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : undefined;
}

export const notFound: ApiResponse = { status: 404 };

/** JSON text, or the text itself: the reason of a failure is no JSON. */
export function jsonOrText(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
