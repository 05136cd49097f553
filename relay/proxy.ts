import type { Agent as HttpAgent } from 'node:http';
import { Agent } from 'node:https';
import { failed, failureOf, succeeded, type Outcome } from '../contracts/failure';

type Environment = Readonly<Record<string, string | undefined>>;

/** The proxy that the environment names for HTTPS; both spellings are in use, and Node prefers the small one. */
const proxyOf = (env: Environment): string | undefined => (env['https_proxy'] ?? env['HTTPS_PROXY']) || undefined;

/** A proxy as a message may show it: without user and password. */
export function shownProxy(env: Environment): string | undefined {
  const proxy = proxyOf(env);
  if (proxy === undefined) return undefined;
  return URL.canParse(proxy) ? new URL(proxy).host : 'a value that is no URL';
}

/**
 * How connections to the relay leave this host: through the proxy that HTTPS_PROXY names (a CONNECT tunnel, so that TLS reaches the relay
 * itself), but for the hosts in NO_PROXY. Undefined for the direct way, and always for `http`, which only the emulator speaks.
 * RequestInvalid where HTTPS_PROXY is no URL of a proxy.
 */
export function outboundAgent(endpoint: string, env: Environment): Outcome<HttpAgent | undefined> {
  const proxy = proxyOf(env);
  if (proxy === undefined || new URL(endpoint).protocol !== 'https:') return succeeded(undefined);
  const isUsable = URL.canParse(proxy) && /^https?:$/.test(new URL(proxy).protocol);
  if (!isUsable)
    return failed(
      failureOf('RequestInvalid', {
        message: 'HTTPS_PROXY is no URL of a proxy',
        subject: { field: 'HTTPS_PROXY' },
        remedy:
          'Set HTTPS_PROXY to http://HOST:PORT (with USER:PASSWORD@ before HOST where it asks for them), or remove it.',
      }),
    );
  return succeeded(new Agent({ proxyEnv: { https_proxy: proxy, no_proxy: env['no_proxy'] ?? env['NO_PROXY'] } }));
}
