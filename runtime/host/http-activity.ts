import { z } from 'zod';
import { threw } from '../core/invoke';
import { httpActivityName } from '../engine/http-call';
import type { Invocation, InvocationEnd, Invoker } from '../engine/invoker';

const request = z.object({
  method: z.string(),
  uri: z.url({ protocol: /^https?$/ }),
  content: z.string().nullish(),
  headers: z.record(z.string(), z.string()).nullish(),
});

/** Time for one request of `df.callHttp`; the extension's default of its HTTP client. */
const requestMsMax = 100_000;
const responseBytesMax = 16 * 1024 * 1024;

/** Carries out the requests of `df.callHttp` in the host, as the extension does; hands on everything else. */
export function withHttpActivity(inner: Invoker): Invoker {
  return {
    kindOf: (name) => inner.kindOf(name),
    namesOf: (kind) => inner.namesOf(kind),
    invoke: (invocation, options) =>
      invocation.kind === 'activity' && invocation.functionName === httpActivityName
        ? send(invocation)
        : inner.invoke(invocation, options),
  };
}

async function send(invocation: Extract<Invocation, { kind: 'activity' }>): Promise<InvocationEnd> {
  try {
    const { method, uri, content, headers } = request.parse(JSON.parse(invocation.input ?? 'null'));
    const response = await fetch(uri, {
      method,
      headers: headers ?? {},
      body: content ?? null,
      redirect: 'follow',
      signal: AbortSignal.timeout(requestMsMax),
    });
    const bytes = await response.arrayBuffer();
    if (bytes.byteLength > responseBytesMax) throw new Error(`the answer has more than ${responseBytesMax} bytes`);
    const answer = {
      statusCode: response.status,
      headers: Object.fromEntries(response.headers),
      content: Buffer.from(bytes).toString('utf8'),
    };
    return { kind: 'returned', value: { json: JSON.stringify(answer) } };
  } catch (thrown) {
    return threw(thrown);
  }
}
