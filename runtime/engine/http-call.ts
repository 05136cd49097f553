import { z } from 'zod';
import type { DurableHttpRequest } from './answer';

/** The name under which `df.callHttp` stands in a history. */
export const httpActivityName = 'BuiltIn::HttpActivity';

/** The pause between polls when a 202 names none; the extension's default, also told to the SDK in every turn. */
export const httpPollMsDefault = 30_000;

const response = z.object({
  statusCode: z.number(),
  headers: z.record(z.string(), z.string()),
  content: z.string().nullish(),
});

/** The poll that follows a 202 with a Location; undefined when the answer is final. */
export function pollAfter(
  request: DurableHttpRequest,
  resultText: string | null,
): { readonly request: DurableHttpRequest; readonly delayMs: number } | undefined {
  if (resultText === null || !request.asynchronousPatternEnabled) return undefined;
  const answer = response.safeParse(JSON.parse(resultText));
  if (!answer.success || answer.data.statusCode !== 202) return undefined;
  const header = (wanted: string): string | undefined =>
    Object.entries(answer.data.headers).find(([name]) => name.toLowerCase() === wanted)?.[1];
  const location = header('location');
  if (location === undefined) return undefined;
  const retryAfterS = Number(header('retry-after'));
  const headers = Object.fromEntries(
    Object.entries(request.headers ?? {}).filter(([name]) => name.toLowerCase() !== 'x-functions-key'),
  );
  return {
    request: {
      method: 'GET',
      uri: location,
      headers,
      asynchronousPatternEnabled: true,
      tokenSource: request.tokenSource,
    },
    delayMs: Number.isFinite(retryAfterS) && retryAfterS > 0 ? retryAfterS * 1000 : httpPollMsDefault,
  };
}
