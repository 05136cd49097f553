import type { TokenCredential } from '@azure/identity';
import { entraTokens, sasTokens, type TokenProvider } from '../relay/token';
import type { Clock } from './clock';
import type { EntraIdentity, RelayIdentity } from './config';

/** Tokens for listening on the relay, by the identity of the configuration. */
export async function relayTokens(identity: RelayIdentity, clock: Clock): Promise<TokenProvider> {
  if (identity.type === 'sas') return sasTokens({ keyName: identity.keyName, key: identity.key, clock });
  const credential = await credentialOf(identity);
  return entraTokens({ credential, clock, ...(identity.scope === undefined ? {} : { scope: identity.scope }) });
}

async function credentialOf(identity: EntraIdentity): Promise<TokenCredential> {
  // Loaded where it is needed: it is large, and a host with a shared access key does without.
  const { ClientCertificateCredential, ManagedIdentityCredential } = await import('@azure/identity');
  switch (identity.type) {
    case 'managed-identity':
      return new ManagedIdentityCredential(identity.clientId === undefined ? {} : { clientId: identity.clientId });
    case 'client-certificate':
      return new ClientCertificateCredential(identity.tenantId, identity.clientId, identity.certificatePath);
  }
}
