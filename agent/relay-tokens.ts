import type { TokenCredential } from '@azure/identity';
import type { Clock } from './clock';
import type { AgentConfig, EntraIdentity } from './config';
import { entraTokens, sasTokens, type TokenProvider } from '../relay/token';

/** Tokens for listening on the relay, by the identity of the configuration. */
export async function relayTokens(relay: AgentConfig['relay'], clock: Clock): Promise<TokenProvider> {
  if ('sas' in relay) return sasTokens({ ...relay.sas, clock });
  const credential = await credentialOf(relay.entra);
  const { scope } = relay.entra;
  return entraTokens({ credential, clock, ...(scope === undefined ? {} : { scope }) });
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
