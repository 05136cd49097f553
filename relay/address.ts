import { z } from 'zod';

/** Where the relay is: `https://NAME.servicebus.windows.net`, or `http://127.0.0.1:PORT` for the emulator. No path. */
export const relayEndpoint = z
  .url({ protocol: /^https?$/, error: 'use https://NAME.servicebus.windows.net, or http://127.0.0.1:PORT (emulator)' })
  .refine((text) => {
    if (!URL.canParse(text)) return false;
    const url = new URL(text);
    return url.pathname === '/' && url.search === '' && url.username === '';
  }, 'name scheme and host only, without a path');

const webSocketScheme = (endpoint: URL) => (endpoint.protocol === 'https:' ? 'wss:' : 'ws:');

/**
 * What a token for a hybrid connection is made for: scheme `http` whatever is used, no port, no query, no `$hc` (what Microsoft's own
 * clients sign).
 */
export const resourceOf = (endpoint: string, path: string): string =>
  `http://${new URL(endpoint).hostname}/${encodeURIComponent(path)}`;

/** The URL of a control channel (relay protocol, "listen"). `listenerId` appears in the diagnostics of the relay. */
export function listenUrl(endpoint: string, path: string, listenerId: string): string {
  const { host } = new URL(endpoint);
  const query = new URLSearchParams({ 'sb-hc-action': 'listen', 'sb-hc-id': listenerId }).toString();
  return `${webSocketScheme(new URL(endpoint))}//${host}/$hc/${encodeURIComponent(path)}?${query}`;
}

/** The URL of a request to the agent behind `path`; `target` begins with a slash and may have a query. */
export const senderUrl = (endpoint: string, path: string, target: string): string =>
  `${new URL(endpoint).origin}/${encodeURIComponent(path)}${target}`;

/**
 * The URL of a rendezvous that the relay told the listener to open, or why it is refused. A relay may name another gateway of its own
 * domain, so the parent domain must be the same; anything else would let a frame send the agent anywhere.
 */
export function rendezvousUrl(endpoint: string, address: string): { url: URL } | { refused: string } {
  const home = new URL(endpoint);
  if (!URL.canParse(address)) return { refused: 'the address is no URL' };
  const url = new URL(address);
  if (url.protocol !== webSocketScheme(home)) return { refused: `the scheme ${url.protocol} is not that of the relay` };
  const parent = home.hostname.split('.').slice(1).join('.');
  const sameDomain = /[a-z]$/i.test(home.hostname) && parent.includes('.') && url.hostname.endsWith(`.${parent}`);
  if (url.hostname !== home.hostname && !sameDomain)
    return { refused: `the host ${url.hostname} is not of the relay's domain` };
  return { url };
}

/** What the listener sees, without the hybrid connection's own name: `/host-1/v1/health?x=1` is `/v1/health?x=1`. */
export function withoutHybridConnection(path: string, requestTarget: string): string {
  const prefix = `/${encodeURIComponent(path)}`;
  const rest = requestTarget.toLowerCase().startsWith(prefix.toLowerCase())
    ? requestTarget.slice(prefix.length)
    : undefined;
  if (rest === undefined || !/^(?:$|[/?])/.test(rest)) return requestTarget;
  return rest.startsWith('/') ? rest : `/${rest}`;
}
