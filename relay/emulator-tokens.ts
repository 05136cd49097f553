import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { EmulatorKey, RelayRight } from './emulator-config';
import type { EmulatorContext } from './emulator-options';
import { sasToken } from './token';

export type TokenVerdict =
  | { readonly type: 'accepted'; readonly expiresAtMs: number }
  | { readonly type: 'refused'; readonly status: 401 | 403; readonly code: string; readonly reason: string };

const unauthorized = (reason: string): TokenVerdict => ({
  type: 'refused',
  status: 401,
  code: 'TokenMissingOrInvalid',
  reason,
});
const forbidden = (reason: string): TokenVerdict => ({ type: 'refused', status: 403, code: 'Forbidden', reason });

/** Where a caller may put its token, in the order in which the service looks; `Authorization` counts only without the other two. */
export function tokenOf(request: IncomingMessage, query: URLSearchParams): string | undefined {
  const header = request.headers['servicebusauthorization'];
  const own = typeof header === 'string' ? header : undefined;
  return query.get('sb-hc-token') ?? own ?? request.headers.authorization;
}

const loopbackNames = ['127.0.0.1', 'localhost', '[::1]'];

/** Whether the signed resource is the hybrid connection, or the namespace that it is in. */
function covers(resource: string, namespace: string, path: string): boolean {
  if (!URL.canParse(resource)) return false;
  const { protocol, hostname, pathname } = new URL(resource);
  const hosts = [...loopbackNames, namespace.toLowerCase(), `${namespace.toLowerCase()}.servicebus.windows.net`];
  const signedPath = pathname.replace(/\/+$/, '').toLowerCase();
  const target = `/${encodeURIComponent(path).toLowerCase()}`;
  const inside = signedPath === '' || target === signedPath || target.startsWith(`${signedPath}/`);
  return protocol === 'http:' && hosts.includes(hostname) && inside;
}

const sameText = (left: string, right: string): boolean => {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
};

/** Checks a shared access signature for a right on a hybrid connection: 401 when it is none, 403 when it is for something else. */
export function checkToken(
  { keys, namespace, clock, switches }: EmulatorContext,
  token: string | undefined,
  path: string,
  right: RelayRight,
): TokenVerdict {
  if (switches.tokens === 'ignored') return { type: 'accepted', expiresAtMs: Number.POSITIVE_INFINITY };
  if (token === undefined) return unauthorized('the token is missing');
  const fields = fieldsOf(token);
  if (fields === undefined) return unauthorized('the token is not a shared access signature');
  const { resource, signature, expiresAtSeconds, keyName } = fields;
  const key = keys.find((one) => one.name === keyName);
  if (key === undefined || !isSignedBy(key, fields, signature)) return unauthorized('the signature is not valid');
  if (expiresAtSeconds * 1000 <= clock.now()) return unauthorized('the token is expired');
  if (!covers(resource, namespace, path)) return forbidden(`the token is not for the hybrid connection ${path}`);
  if (!key.rights.includes(right)) return forbidden(`the key ${keyName} has no ${right} right`);
  return { type: 'accepted', expiresAtMs: expiresAtSeconds * 1000 };
}

type TokenFields = {
  readonly resource: string;
  readonly signature: string;
  readonly expiresAtSeconds: number;
  readonly keyName: string;
};

function fieldsOf(token: string): TokenFields | undefined {
  const match = /^SharedAccessSignature (.{1,4096})$/.exec(token);
  if (match?.[1] === undefined) return undefined;
  const fields = new URLSearchParams(match[1]);
  const [resource, signature, expiry, keyName] = ['sr', 'sig', 'se', 'skn'].map((name) => fields.get(name));
  if (!resource || !signature || !keyName || !/^\d{1,12}$/.test(expiry ?? '')) return undefined;
  return { resource, signature, expiresAtSeconds: Number(expiry), keyName };
}

function isSignedBy(key: EmulatorKey, { resource, expiresAtSeconds }: TokenFields, signature: string): boolean {
  const own = fieldsOf(sasToken(resource, key.name, key.key, expiresAtSeconds));
  return own !== undefined && sameText(own.signature, signature);
}
