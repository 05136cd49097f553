import { createHmac } from 'node:crypto';
import type { TokenCredential } from '@azure/identity';
import type { Clock } from './clock';

export type RelayToken = { readonly value: string; readonly expiresAtMs: number };

/** Gives tokens for hybrid connections. Rejects when none can be had; the caller says what that means. */
export interface TokenProvider {
  /**
   * @param resource as `resourceOf` (address.ts) makes it
   * @param rejectedValue a token that the relay refused: the answer is another one, if there can be another
   */
  token(resource: string, rejectedValue?: string): Promise<RelayToken>;
}

const minuteMs = 60_000;

/**
 * How long a token with `remainingMs` of life is used before it is renewed: until 5 minutes before its end or for 80 % of its life,
 * whichever is sooner, but never less than half of it, so that a short-lived token does not renew without a pause.
 */
export const renewalDelayMs = (remainingMs: number): number =>
  Math.ceil(Math.max(Math.min(remainingMs - 5 * minuteMs, remainingMs * 0.8), remainingMs / 2, 0));

type CachedToken = { readonly token: RelayToken; readonly renewAtMs: number };

/** Asks `make` once for each resource and again when the token is due; a failure to renew is no failure while the old one lives. */
function cached(clock: Clock, make: (resource: string) => Promise<RelayToken>): TokenProvider {
  const tokens = new Map<string, CachedToken>();
  const underWay = new Map<string, Promise<RelayToken>>();

  async function renew(resource: string): Promise<RelayToken> {
    const token = await make(resource);
    const nowMs = clock.now();
    tokens.set(resource, { token, renewAtMs: nowMs + renewalDelayMs(token.expiresAtMs - nowMs) });
    return token;
  }

  return {
    async token(resource, rejectedValue) {
      const known = tokens.get(resource);
      const usable = known !== undefined && known.token.value !== rejectedValue;
      if (usable && clock.now() < known.renewAtMs) return known.token;
      const renewal = underWay.get(resource) ?? renew(resource).finally(() => underWay.delete(resource));
      underWay.set(resource, renewal);
      try {
        return await renewal;
      } catch (thrown) {
        if (usable && clock.now() < known.token.expiresAtMs) return known.token;
        throw thrown;
      }
    },
  };
}

/**
 * A shared access signature: HMAC-SHA-256 over the URL-encoded resource, a newline and the expiry in Unix seconds, keyed with the UTF-8
 * bytes of the key's text (the key looks like base64 and is not decoded).
 */
export function sasToken(resource: string, keyName: string, key: string, expiresAtSeconds: number): string {
  const encodedResource = encodeURIComponent(resource);
  const signature = createHmac('sha256', key).update(`${encodedResource}\n${expiresAtSeconds}`).digest('base64');
  const name = encodeURIComponent(keyName);
  return `SharedAccessSignature sr=${encodedResource}&sig=${encodeURIComponent(signature)}&se=${expiresAtSeconds}&skn=${name}`;
}

export type SasSettings = {
  readonly keyName: string;
  readonly key: string;
  readonly clock: Clock;
  /** Default one hour, as in Microsoft's clients. */
  readonly lifetimeMs?: number;
};

/** Tokens made from a shared access key; nothing is asked of anybody. */
export function sasTokens({ keyName, key, clock, lifetimeMs = 60 * minuteMs }: SasSettings): TokenProvider {
  return cached(clock, async (resource) => {
    const expiresAtSeconds = Math.ceil((clock.now() + lifetimeMs) / 1000);
    return { value: sasToken(resource, keyName, key, expiresAtSeconds), expiresAtMs: expiresAtSeconds * 1000 };
  });
}

/** The relay's resource ends with a slash, hence two; some tenants are said to want one, so it is a setting. */
export const relayScope = 'https://relay.azure.net//.default';

export type EntraSettings = {
  readonly credential: TokenCredential;
  readonly clock: Clock;
  readonly scope?: string;
};

/** Tokens of Microsoft Entra ID: the bare JWT, without `Bearer`. One token serves every hybrid connection that the identity may use. */
export function entraTokens({ credential, clock, scope = relayScope }: EntraSettings): TokenProvider {
  const ofScope = cached(clock, async () => {
    const answer = await credential.getToken(scope);
    if (answer === null) throw new Error(`the identity gives no token for ${scope}`);
    return { value: answer.token, expiresAtMs: answer.expiresOnTimestamp };
  });
  return { token: (_resource, rejectedValue) => ofScope.token(scope, rejectedValue) };
}
