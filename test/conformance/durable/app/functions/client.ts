/** The durable client over HTTP: POST client/{operation} with its arguments as JSON. */
import {
  app,
  type HttpRequest,
  type HttpResponse,
  type HttpResponseInit,
  type InvocationContext,
} from '@azure/functions';
import * as df from 'durable-functions';

type Wanted = {
  readonly name?: string;
  readonly id?: string;
  readonly input?: unknown;
  readonly version?: string;
  readonly event?: string;
  readonly data?: unknown;
  readonly reason?: string;
  readonly operation?: string;
  readonly key?: string;
  readonly options?: Record<string, boolean>;
  readonly from?: string;
  readonly to?: string;
  readonly statuses?: readonly string[];
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
};

const statusesOf = (names: readonly string[]): df.OrchestrationRuntimeStatus[] =>
  Object.values(df.OrchestrationRuntimeStatus).filter((status) => names.includes(status));

const filterOf = (wanted: Wanted) => ({
  ...(wanted.from === undefined ? {} : { createdTimeFrom: new Date(wanted.from) }),
  ...(wanted.to === undefined ? {} : { createdTimeTo: new Date(wanted.to) }),
  ...(wanted.statuses === undefined ? {} : { runtimeStatus: statusesOf(wanted.statuses) }),
});

async function call(operation: string, wanted: Wanted, client: df.DurableClient): Promise<unknown> {
  const { id = '', reason = '', name = '', event = '' } = wanted;
  const entity = new df.EntityId(wanted.name ?? 'Counter', wanted.key ?? 'none');
  switch (operation) {
    case 'startNew': {
      const { input, version } = wanted;
      return client.startNew(name, {
        ...(wanted.id === undefined ? {} : { instanceId: wanted.id }),
        ...(input === undefined ? {} : { input }),
        ...(version === undefined ? {} : { version }),
      });
    }
    case 'getStatus':
      return client.getStatus(id, wanted.options ?? {});
    case 'getStatusAll':
      return client.getStatusAll();
    case 'getStatusBy':
      return client.getStatusBy(filterOf(wanted));
    case 'raiseEvent':
      return client.raiseEvent(id, event, wanted.data);
    case 'terminate':
      return client.terminate(id, reason);
    case 'suspend':
      return client.suspend(id, reason);
    case 'resume':
      return client.resume(id, reason);
    case 'rewind':
      return client.rewind(id, reason);
    case 'purgeInstanceHistory':
      return client.purgeInstanceHistory(id);
    case 'purgeInstanceHistoryBy':
      return client.purgeInstanceHistoryBy(filterOf(wanted));
    case 'signalEntity':
      return client.signalEntity(entity, wanted.operation, wanted.data);
    case 'readEntityState':
      return client.readEntityState(entity);
    case 'createHttpManagementPayload':
      return client.createHttpManagementPayload(id);
    case 'taskHubName':
      return client.taskHubName;
    default:
      throw new Error(`no operation '${operation}'`);
  }
}

/** Answers `{ result }`, or `{ error }` with the message of what the client threw. */
app.http('client', {
  route: 'client/{operation}',
  methods: ['POST'],
  authLevel: 'function',
  extraInputs: [df.input.durableClient()],
  handler: async (request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit> => {
    const wanted = (await request.json()) as Wanted;
    try {
      const result = await call(request.params['operation'] ?? '', wanted, df.getClient(context));
      return { jsonBody: { result: result ?? null } };
    } catch (thrown) {
      return { jsonBody: { error: (thrown as Error).message } };
    }
  },
});
app.http('checkStatus', {
  route: 'check-status/{id}',
  methods: ['POST'],
  authLevel: 'function',
  extraInputs: [df.input.durableClient()],
  handler: async (request: HttpRequest, context: InvocationContext): Promise<HttpResponse> =>
    df.getClient(context).createCheckStatusResponse(request, request.params['id'] ?? ''),
});
app.http('startAndWait', {
  route: 'start-and-wait/{name}/{id}',
  methods: ['POST'],
  authLevel: 'function',
  extraInputs: [df.input.durableClient()],
  handler: async (request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit | HttpResponse> => {
    const client = df.getClient(context);
    const { name = '', id = '' } = request.params;
    const { input, timeoutMs, intervalMs } = (await request.json()) as Wanted;
    await client.startNew(name, { instanceId: id, ...(input === undefined ? {} : { input }) });
    try {
      return await client.waitForCompletionOrCreateCheckStatusResponse(request, id, {
        timeoutInMilliseconds: timeoutMs ?? 5000,
        retryIntervalInMilliseconds: intervalMs ?? 50,
      });
    } catch (thrown) {
      return { status: 400, jsonBody: { error: (thrown as Error).message } };
    }
  },
});
/** The other way to register a client function. */
df.app.client.http('clientStarter', {
  route: 'client-starter/{name}/{id}',
  methods: ['POST'],
  authLevel: 'function',
  handler: async (request: HttpRequest, client: df.DurableClient): Promise<HttpResponseInit> => {
    const { name = '', id = '' } = request.params;
    return { body: await client.startNew(name, { instanceId: id }) };
  },
});
