import { clockSkewMsMax } from '../../../contracts/limits';
import { destinationHostOf, isStaged } from '../../../contracts/migration';
import { check, type Finding, type Scenario } from '../check';
import type { StorageMet } from '../named-facts';
import { byRoute, toOtherHost } from './applies';

const staged: Scenario = { when: 'where the route is staged', holds: isStaged };
const stagedToOtherHost: Scenario = {
  when: 'where the route is staged, to another host',
  holds: (request) => isStaged(request) && toOtherHost.holds(request),
};

/** What a host cannot do without while its part of the copy is made. */
const reaches = {
  severity: 'critical',
  code: 'StorageUnavailable',
  kinds: byRoute,
  finds: 'The host does not reach the storage of the staged route, or storage does not admit it.',
  remedy: 'Let the host reach the blob endpoint of the storage account, or choose the direct route.',
  source: 'hyperferry: decision 0023; Microsoft: Configure Azure Storage firewalls; SAS error codes',
} as const;

export const stagedRouteChecks = [
  check({
    id: 'storage-access',
    severity: 'critical',
    code: 'StorageUnavailable',
    mayPass: true,
    kinds: byRoute,
    scenario: staged,
    looksAt: ['storage.refusal'],
    finds: 'The app cannot give the hosts access to its storage.',
    remedy:
      'Give the identity of the app the role Storage Blob Data Owner of the storage account (infra/modules/roles.bicep), and see that the app reaches it.',
    source: 'hyperferry: decision 0023; Microsoft: Get User Delegation Key, "Permissions"',
    look(see) {
      const refusal = see['storage.refusal'];
      return refusal === null ? undefined : { message: `No access to storage can be given: ${refusal.message}` };
    },
  }),
  check({
    ...reaches,
    id: 'source-reaches-storage',
    scenario: staged,
    looksAt: ['source.storage'],
    look: (see, request) => judged(request.sourceHost, see['source.storage']),
  }),
  check({
    ...reaches,
    id: 'destination-reaches-storage',
    scenario: stagedToOtherHost,
    looksAt: ['destination.storage'],
    look: (see, request) => judged(destinationHostOf(request), see['destination.storage']),
  }),
];

/** With the code that the operation of the staged route would end with there. */
function judged(host: string, met: StorageMet): Finding | undefined {
  const { endpoint, told } = met;
  switch (met.meets) {
    case 'admitted':
      return undefined;
    case 'name-not-resolved':
      return {
        message: `${host} cannot resolve the name of ${endpoint}: ${told}.`,
        remedy:
          'Let the DNS servers of the host resolve that name (of a private endpoint by the zone privatelink.blob.core.windows.net), or name the proxy that does so in HTTPS_PROXY of its agent.',
      };
    case 'not-connected':
    case 'silent':
      return {
        message: `${host} gets no connection to ${endpoint}: ${told}.`,
        remedy:
          'Let the host out to that name and port in every firewall on the way, or name the proxy in HTTPS_PROXY of its agent.',
        mayPass: true,
      };
    case 'certificate-refused':
      return {
        message: `${host} does not trust the certificate that it is shown for ${endpoint}: ${told}.`,
        remedy:
          'Exempt that name from the proxy that opens TLS, or name the root certificate of the proxy in NODE_EXTRA_CA_CERTS of the agent; check the clock of the host.',
      };
    case 'answered-on-the-way':
      return {
        message: `Something on the way of ${host} to ${endpoint} answers in place of storage: ${told}.`,
        remedy: 'Let the proxy of the host (HTTPS_PROXY of its agent) pass requests to that name on.',
      };
    case 'network-refused':
    case 'access-refused':
      return refused(host, met);
    case 'storage-failing':
      return { message: `${endpoint} answers ${host} that it cannot now: ${told}.`, mayPass: true };
  }
}

/** A clock that is wrong comes first: with it, no other answer of storage says much. */
function refused(host: string, { endpoint, meets, told, appAheadMs }: StorageMet): Finding {
  const code = 'StagingAccessEnded';
  const message = `${endpoint} does not take the access that ${host} shows: ${told}.`;
  if (appAheadMs !== null && Math.abs(appAheadMs) > clockSkewMsMax) {
    const apart = `${Math.round(Math.abs(appAheadMs) / 1000)} s ${appAheadMs > 0 ? 'ahead of' : 'behind'}`;
    return {
      code,
      message: `${message} The clock of the app is ${apart} that of storage.`,
      remedy: 'Set the clock of the machine that the app runs on: access begins and ends by it.',
    };
  }
  if (meets === 'network-refused')
    return {
      code,
      message: `The firewall of the storage account does not admit ${host} at ${endpoint}: ${told}.`,
      remedy:
        'Admit the public address or the network of the host in the networking rules of the storage account, or give it a private endpoint there.',
    };
  return {
    code,
    message,
    remedy:
      "Check that the identity of the app still has its role of the storage account, and that the account's policies admit user delegation SAS.",
  };
}
