import type { HostFacts } from '../contracts/facts';
import type { AgentRoute } from './byte-route';
import type { AgentConfig } from './config';
import type { HyperVDriver } from './hyperv/driver';
import type { StagedRoute } from './staged-route';
import { agentVersion } from './version';

/** Everything about this host, the byte route included: the body of `GET /v1/host`. Rejects when Hyper-V cannot be asked. */
export async function hostFactsOf(
  config: AgentConfig,
  driver: HyperVDriver,
  route: AgentRoute,
  staged: Pick<StagedRoute, 'sealingKey'>,
): Promise<HostFacts> {
  const { sha256 } = route.certificate;
  return {
    ...(await driver.host()),
    hostId: config.hostId,
    driver: driver.name,
    agentVersion,
    byteRoute: { address: config.byteRoute.advertisedAddress, port: route.served.port, certificateSha256: sha256 },
    clientCertificateSha256: sha256,
    sealingKey: staged.sealingKey,
  };
}
