import { DefaultAzureCredential } from '@azure/identity';
import { createRelayClient } from '../relay/client';
import { systemClock } from '../relay/clock';
import { systemRandom } from '../relay/random';
import { signingKeyFrom, type SigningKey } from '../relay/signing';
import { entraTokens, sasTokens, type TokenProvider } from '../relay/token';
import { Agents } from './agents';
import type { Settings } from './settings';
import { BlobStagingContainers, type StagingContainers } from './staging/containers';
import { blobServiceFrom } from './storage/blob-service';
import { Documents } from './storage/documents';

/** What activities and triggers work with. Tests pass their own. */
export type App = {
  readonly settings: Settings;
  readonly agents: Agents;
  readonly documents: Documents;
  readonly staging: StagingContainers;
  readonly signingKey: SigningKey;
  readonly now: () => Date;
};

/** The app as its settings say. Throws when a key cannot be read. */
export function createApp(settings: Settings): App {
  const signingKey = signingKeyFrom(settings.HYPERFERRY_SIGNING_KEY);
  const transport = createRelayClient({
    endpoint: settings.HYPERFERRY_RELAY_ENDPOINT,
    tokens: relayTokens(settings),
    signingKey,
    clock: systemClock,
    random: systemRandom,
  });
  const service = blobServiceFrom(settings);
  return {
    settings,
    agents: new Agents(transport),
    documents: new Documents(service),
    staging: new BlobStagingContainers(service),
    signingKey,
    now: () => new Date(),
  };
}

function relayTokens(settings: Settings): TokenProvider {
  const clock = systemClock;
  const { HYPERFERRY_RELAY_KEY_NAME: keyName, HYPERFERRY_RELAY_KEY: key } = settings;
  if (keyName !== undefined && key !== undefined) return sasTokens({ keyName, key, clock });
  return entraTokens({ credential: new DefaultAzureCredential(), clock });
}
