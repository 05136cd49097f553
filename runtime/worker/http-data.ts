import { z } from 'zod';
import type { WireRequest, WireResponse } from './messages';

/** A request as `@azure/functions` takes it (RpcHttpData). */
export function toRpcRequest(request: WireRequest): object {
  const nullable = (values: Readonly<Record<string, string>>): object =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]));
  return {
    method: request.method,
    url: request.url,
    nullableHeaders: nullable(request.headers),
    nullableQuery: nullable(request.query),
    nullableParams: nullable(request.params),
    body: request.body === null ? undefined : { bytes: Buffer.from(request.body, 'base64') },
  };
}

const nullable = <T extends z.ZodType>(value: T) => z.object({ value }).nullish();

const rpcCookie = z.looseObject({
  name: z.string(),
  value: z.string(),
  domain: nullable(z.string()),
  path: nullable(z.string()),
  expires: z.object({ value: z.object({ seconds: z.number() }) }).nullish(),
  secure: nullable(z.boolean()),
  httpOnly: nullable(z.boolean()),
  sameSite: z.string().nullish(),
  maxAge: nullable(z.number()),
});

const rpcResponse = z.looseObject({
  statusCode: z.string().nullish(),
  headers: z.record(z.string(), z.string()).nullish(),
  cookies: z.array(rpcCookie).nullish(),
  body: z.object({ bytes: z.instanceof(Uint8Array) }).nullish(),
});

/** What a function answered, for the wire; anything that is no response throws. */
export function fromRpcResponse(raw: unknown): WireResponse {
  const response = rpcResponse.parse(raw);
  return {
    status: Number(response.statusCode ?? '200'),
    headers: response.headers ?? {},
    cookies: (response.cookies ?? []).map(setCookieText),
    body: response.body === null || response.body === undefined ? null : base64(response.body.bytes),
  };
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

const sameSites: Readonly<Record<string, string>> = { lax: 'Lax', strict: 'Strict', explicitNone: 'None' };

/** The value of the Set-Cookie header (RFC 6265, section 4.1). */
function setCookieText(cookie: z.infer<typeof rpcCookie>): string {
  const parts = [`${cookie.name}=${encodeURIComponent(cookie.value)}`];
  const add = (name: string, value: string | number | undefined): void => {
    if (value !== undefined) parts.push(`${name}=${value}`);
  };
  add('Max-Age', cookie.maxAge?.value);
  add('Domain', cookie.domain?.value);
  add('Path', cookie.path?.value);
  add('Expires', cookie.expires ? new Date(cookie.expires.value.seconds * 1000).toUTCString() : undefined);
  if (cookie.httpOnly?.value === true) parts.push('HttpOnly');
  if (cookie.secure?.value === true) parts.push('Secure');
  add('SameSite', sameSites[cookie.sameSite ?? '']);
  return parts.join('; ');
}
