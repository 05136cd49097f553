import type { TokenCredential } from '@azure/identity';
import { z } from 'zod';
import { threw } from '../core/invoke';
import { httpActivityName } from '../engine/http-call';
import type { Invocation, InvocationEnd, Invoker } from '../engine/invoker';

const request = z.object({
  method: z.string(),
  uri: z.url({ protocol: /^https?$/ }),
  content: z.string().nullish(),
  headers: z.record(z.string(), z.string()).nullish(),
  tokenSource: z.object({ kind: z.literal('AzureManagedIdentity'), resource: z.string().min(1) }).nullish(),
});

/** Time for one request of `df.callHttp`; the extension's default of its HTTP client. */
const requestMsMax = 100_000;
const responseBytesMax = 16 * 1024 * 1024;

export type DurableHttpAnswer = {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly content: string;
};

/** Gives an access token for a scope; rejects when it cannot. */
export type TokenSource = (scope: string) => Promise<string>;

/** Resources that ManagedIdentityTokenSource of the extension makes scopes of; others are taken as scopes already. */
const resourcesWithScope = ['https://management.core.windows.net', 'https://graph.microsoft.com'];

const scopeOf = (resource: string): string => {
  const bare = resource.replace(/\/$/, '');
  return resourcesWithScope.includes(bare) ? `${bare}/.default` : resource;
};

let credential: Promise<TokenCredential> | undefined;

/** A token of whatever identity this machine has, in the order of DefaultAzureCredential, as in the extension. */
async function identityToken(scope: string): Promise<string> {
  // Loaded only when somebody asks: it is large.
  credential ??= import('@azure/identity').then((identity) => new identity.DefaultAzureCredential());
  const given = await (await credential).getToken(scope);
  if (given === null) throw new Error(`no identity of this machine gives a token for ${scope}`);
  return given.token;
}

/** Carries out the requests of `df.callHttp` in the host, as the extension does; hands on everything else. */
export function withHttpActivity(inner: Invoker, token: TokenSource = identityToken): Invoker {
  return {
    kindOf: (name) => inner.kindOf(name),
    namesOf: (kind) => inner.namesOf(kind),
    invoke: (invocation, options) =>
      invocation.kind === 'activity' && invocation.functionName === httpActivityName
        ? send(invocation, token)
        : inner.invoke(invocation, options),
  };
}

async function send(invocation: Extract<Invocation, { kind: 'activity' }>, token: TokenSource): Promise<InvocationEnd> {
  try {
    const answered = await sendHttp(JSON.parse(invocation.input ?? 'null'), token);
    return { kind: 'returned', value: { json: JSON.stringify(answered) } };
  } catch (thrown) {
    return threw(thrown);
  }
}

/** Sends one request of `df.callHttp`. Rejects when there is no answer; a status that tells of an error is an answer. */
export async function sendHttp(input: unknown, token: TokenSource): Promise<DurableHttpAnswer> {
  const { method, uri, content, headers: given, tokenSource } = request.parse(input);
  const headers = new Headers(given ?? {});
  if (typeof content === 'string' && !headers.has('content-type')) headers.set('content-type', 'text/plain');
  if (tokenSource) headers.set('authorization', `Bearer ${await token(scopeOf(tokenSource.resource))}`);
  const response = await fetch(uri, {
    method,
    headers,
    body: content ?? null,
    redirect: 'follow',
    signal: AbortSignal.timeout(requestMsMax),
  });
  const bytes = await response.arrayBuffer();
  if (bytes.byteLength > responseBytesMax) throw new Error(`the answer has more than ${responseBytesMax} bytes`);
  return {
    statusCode: response.status,
    headers: Object.fromEntries(response.headers),
    content: Buffer.from(bytes).toString('utf8'),
  };
}
