import { describeThrown } from '../../../contracts/failure';
import { listenUrl, resourceOf } from '../../../relay/address';
import { remedyOfRefusal } from '../../../relay/listener-attempts';
import { openSocket, type OpenedSocket } from '../../../relay/socket';
import type { RelayToken } from '../../../relay/token';
import { relayTokens } from '../../relay-tokens';
import { critical, fine, skipped, warning, type Check, type Verdict } from '../check';
import type { RelayLook } from '../looks/relay';
import type { Surroundings } from '../surroundings';

const through = (proxy: string | undefined): string => (proxy === undefined ? '' : ` through the proxy ${proxy}`);

export const relayReachable: Check = {
  id: 'relay-reachable',
  looksAt: 'the relay answers, directly or through the proxy of HTTPS_PROXY',
  async look(see): Promise<Verdict> {
    const { endpoint } = see.parts.config.relay;
    const look = await see.relay();
    switch (look.type) {
      case 'no-way':
        return critical(look.failure.message, look.failure.remedy ?? 'Correct HTTPS_PROXY.');
      case 'answers':
        return fine(`${endpoint} answers${through(look.proxy)}`);
      case 'silent':
        return critical(
          `relay.endpoint is ${endpoint}, which does not answer${through(look.proxy)}: ${look.reason}`,
          silentRemedy(look),
        );
    }
  },
};

/** Codes of TLS for a chain that ends in a certificate that this host does not trust. */
const notTrusted = [
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
];

function silentRemedy({ code, proxy }: Extract<RelayLook, { type: 'silent' }>): string {
  if (notTrusted.includes(code))
    return 'Something on the way opens TLS. Exempt the relay from that, or name its root certificate in NODE_EXTRA_CA_CERTS.';
  if (proxy !== undefined)
    return `Check that ${proxy} lets this host connect to the relay on port 443 (CONNECT), and the user and password in HTTPS_PROXY.`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return 'Check relay.endpoint and the name service of this host; where only a proxy knows outside names, set HTTPS_PROXY.';
  return 'Allow this host outbound TCP 443 to the relay, or name the proxy in HTTPS_PROXY (http://HOST:PORT).';
}

const aheadMsMax = 5 * 60_000;
const aheadMsWanted = 60_000;

export const clockSkew: Check = {
  id: 'clock',
  looksAt: "the clock of this host, against the relay's",
  async look(see): Promise<Verdict> {
    const look = await see.relay();
    if (look.type !== 'answers') return skipped('the relay does not answer (relay-reachable)');
    const { aheadMs } = look;
    if (aheadMs === undefined) return skipped('the relay told no time');
    const seconds = Math.round(Math.abs(aheadMs) / 1000);
    const found = `the clock of this host is ${seconds} s ${aheadMs < 0 ? 'behind' : 'ahead of'} the relay's`;
    const remedy =
      'Set the clock by the time source of the domain (w32tm /resync), and see that the time service runs.';
    if (Math.abs(aheadMs) > aheadMsMax)
      return critical(`${found}: tokens and signed requests are refused beyond five minutes`, remedy);
    return Math.abs(aheadMs) > aheadMsWanted ? warning(found, remedy) : fine(found);
  },
};

const handshakeMsMax = 20_000;
const messageBytesMax = 64 * 1024;

export const relayRights: Check = {
  id: 'relay-rights',
  looksAt: 'the agent may listen on its hybrid connection',
  async look(see): Promise<Verdict> {
    const relay = await see.relay();
    if (relay.type !== 'answers') return skipped('the relay does not answer (relay-reachable)');
    const folder = await see.stateFolder();
    // A second listener would be given requests that are for the first.
    if (folder.type === 'usable' && folder.isTaken)
      return skipped('an agent runs with this state folder, and listens itself');
    const { config } = see.parts;
    const token = await tokenOf(see);
    if ('why' in token)
      return critical(
        `${config.relay.identity.type} gives no token for the relay: ${token.why}`,
        'Check the identity in relay.entra: that it exists, that this host may use it, and that its sign-in address is reached.',
      );
    const opened = await openListener(see, token, relay.agent);
    if (opened.type === 'open') return fine(`it may listen on ${config.hostId}`);
    if (opened.type === 'failed')
      return critical(
        `the hybrid connection ${config.hostId} cannot be listened on: ${opened.reason}`,
        'Let WebSockets to the relay through proxies and firewalls.',
      );
    return critical(
      `the relay answered ${opened.status} ${opened.text} to a listener on ${config.hostId}`,
      sentence(
        remedyOfRefusal(opened.status, config.hostId) ?? 'try again later, and look at the state of the relay in Azure',
      ),
    );
  },
};

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

async function tokenOf({ parts: { config, clock } }: Surroundings): Promise<RelayToken | { readonly why: string }> {
  try {
    const tokens = await relayTokens(config.relay.identity, clock);
    return await tokens.token(resourceOf(config.relay.endpoint, config.hostId));
  } catch (thrown) {
    return { why: describeThrown(thrown) };
  }
}

/** Listens and ends that at once: nobody else listens, so that no request is taken from anybody. */
async function openListener(
  { parts: { config, newGuid } }: Surroundings,
  token: RelayToken,
  agent: Extract<RelayLook, { type: 'answers' }>['agent'],
): Promise<OpenedSocket> {
  const url = listenUrl(config.relay.endpoint, config.hostId, newGuid());
  const settings = { headers: { ServiceBusAuthorization: token.value }, agent, messageBytesMax, handshakeMsMax };
  const opened = await openSocket(url, settings, () => undefined);
  if (opened.type === 'open') opened.socket.terminate();
  return opened;
}
