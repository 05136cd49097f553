import type { EngineClient } from '../engine/client';
import { missingFunction } from '../engine/failure';
import type { Invoker } from '../engine/invoker';
import {
  jsonOrText,
  notFound,
  queryFlag,
  queryTimeMs,
  queryValue,
  type ApiRequest,
  type ApiResponse,
} from './exchange';
import { continuationHeader, pageSize, tokenOf, tokenText } from './instance-view';
import { entityInput } from './json-body';

export type EntityApiParts = { readonly client: EngineClient; readonly invoker: Invoker };

/** The part of the management API below `/entities`: reading one, signalling one, listing all of a name. */
export async function entityApi(
  request: ApiRequest,
  name: string | undefined,
  key: string | undefined,
  parts: EntityApiParts,
): Promise<ApiResponse> {
  if (request.method === 'GET') {
    if (name === undefined || key === undefined) return listEntities(request, name, parts.client);
    const state = parts.client.entity({ name, key });
    return state === undefined ? notFound : { status: 200, body: jsonOrText(state.state) };
  }
  if (name === undefined || !['POST', 'DELETE'].includes(request.method)) return notFound;
  const refusal = keyRefusal(key);
  if (key === undefined || refusal !== undefined) return { status: 400, body: { Message: refusal } };
  const missing = missingFunction(parts.invoker, name.toLowerCase(), 'entity');
  if (missing !== undefined) return { status: 400, body: { Message: missing } };
  const input = entityInput(request);
  if (input.kind === 'invalid')
    return { status: 400, body: { Message: `Could not parse JSON content: ${input.message}` } };
  const operation = request.method === 'DELETE' ? 'delete' : (queryValue(request.query, 'op') ?? '');
  await parts.client.signalEntity({ name, key }, operation, input.text);
  return { status: 202 };
}

/** Why an entity cannot be signalled under this key (EntityId and DurableClient of the extension). */
function keyRefusal(key: string | undefined): string | undefined {
  if (key === undefined) return 'Invalid entity id: entity key must not be null.';
  return /[/\\#?\p{Cc}]/u.test(key) ? 'Entity keys must not contain /, \\, #, ?, or control characters.' : undefined;
}

function listEntities(request: ApiRequest, name: string | undefined, client: EngineClient): ApiResponse {
  const prefix = name === undefined ? '@' : `@${name.toLowerCase()}@`;
  const times = {
    fromMs: queryTimeMs(request.query, 'lastOperationTimeFrom'),
    toMs: queryTimeMs(request.query, 'lastOperationTimeTo'),
  };
  const page = client.listEntities({ idPrefix: prefix, ...times }, tokenOf(request), pageSize(request.query));
  const withState = queryFlag(request.query, 'fetchState') ?? true;
  return {
    status: 200,
    headers: { [continuationHeader]: tokenText(page.next) },
    body: page.entities.map(({ entityId, lastOperationTime, state }) => ({
      entityId,
      lastOperationTime,
      ...(withState ? { state: jsonOrText(state) } : {}),
    })),
  };
}
