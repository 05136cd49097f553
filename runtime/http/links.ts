/** Where the durable interfaces are, and the key that opens the public one. */
export type LinkParts = {
  /** Scheme and authority, such as `http://127.0.0.1:7071`. */
  readonly origin: string;
  /** The origin of the interface without a key, for the worker's durable client. */
  readonly rpcOrigin: string;
  readonly hubName: string;
  readonly systemKey: string;
};

export const webhookPath = '/runtime/webhooks/durabletask';
export const rpcPath = '/durabletask';

/** The name under which links name the storage; nothing is looked up by it. */
const connectionName = 'Storage';

const suffix = (parts: LinkParts): string =>
  `taskHub=${encodeURIComponent(parts.hubName)}&connection=${connectionName}&code=${parts.systemKey}`;

/** The links by which a client manages one instance, in the extension's order. `origin` is the one that the client used. */
export function managementLinks(parts: LinkParts, origin: string, instanceId: string): Record<string, string> {
  const instance = `${origin}${webhookPath}/instances/${encodeURIComponent(instanceId)}`;
  const query = suffix(parts);
  return {
    id: instanceId,
    statusQueryGetUri: `${instance}?${query}`,
    sendEventPostUri: `${instance}/raiseEvent/{eventName}?${query}`,
    terminatePostUri: `${instance}/terminate?reason={text}&${query}`,
    rewindPostUri: `${instance}/rewind?reason={text}&${query}`,
    purgeHistoryDeleteUri: `${instance}?${query}`,
    restartPostUri: `${instance}/restart?${query}`,
    suspendPostUri: `${instance}/suspend?reason={text}&${query}`,
    resumePostUri: `${instance}/resume?reason={text}&${query}`,
  };
}

/** The data of a durable client binding (JSON text), field by field as the extension gives it. */
export function clientBinding(parts: LinkParts): string {
  const base = `${parts.origin}${webhookPath}`;
  const creation = `${base}/orchestrators/{functionName}[/{instanceId}]`;
  const key = `code=${parts.systemKey}`;
  return JSON.stringify({
    taskHubName: parts.hubName,
    connectionName: null,
    creationUrls: {
      createNewInstancePostUri: `${creation}?${key}`,
      createAndWaitOnNewInstancePostUri: `${creation}?timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}&${key}`,
    },
    managementUrls: managementLinks(parts, parts.origin, 'INSTANCEID'),
    baseUrl: base,
    requiredQueryStringParameters: key,
    rpcBaseUrl: `${parts.rpcOrigin}${rpcPath}/`,
    httpBaseUrl: null,
    maxGrpcMessageSizeInBytes: null,
    grpcHttpClientTimeout: null,
  });
}
