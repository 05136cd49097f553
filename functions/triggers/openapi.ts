import type { HttpResponseInit } from '@azure/functions';
import { z } from 'zod';
import { batchRequest, batchStatus } from '../../contracts/batch';
import { failure } from '../../contracts/failure';
import { hostFacts, vmFacts } from '../../contracts/facts';
import { batchId, hostId, migrationId } from '../../contracts/ids';
import { answerRequest, cancelRequest, migrationRequest, migrationStatus, runStates } from '../../contracts/migration';
import { preflightAnswer } from '../../contracts/preflight';
import { problem } from '../../contracts/problem';
import { receipt, receiptKey } from '../../contracts/receipt';
import { json } from './answers';
import type { Route } from './context';

const page = (item: z.ZodType) => z.object({ items: z.array(item), next: z.string().nullable() });
const hostEntry = z.object({
  hostId,
  reachable: z.boolean(),
  facts: hostFacts.nullable(),
  failure: failure.nullable(),
});

const answersTo = {
  'start-migration': { status: 202, body: migrationStatus, takes: migrationRequest },
  'list-migrations': { status: 200, body: page(migrationStatus) },
  'show-migration': { status: 200, body: migrationStatus },
  'cancel-migration': { status: 202, body: migrationStatus, takes: cancelRequest },
  'pause-migration': { status: 202, body: migrationStatus },
  'resume-migration': { status: 202, body: migrationStatus },
  'answer-migration': { status: 202, body: migrationStatus, takes: answerRequest },
  'show-receipt': { status: 200, body: receipt },
  'show-receipt-key': { status: 200, body: receiptKey },
  'preflight-migration': { status: 200, body: preflightAnswer, takes: migrationRequest },
  'list-hosts': { status: 200, body: page(hostEntry) },
  'list-vms': { status: 200, body: page(vmFacts) },
  'submit-batch': { status: 202, body: batchStatus, takes: batchRequest },
  'list-batches': { status: 200, body: page(batchStatus) },
  'show-batch': { status: 200, body: batchStatus },
  'health-ready': { status: 200, body: z.object({ ready: z.boolean() }) },
} as const satisfies Record<string, { status: number; body: z.ZodType; takes?: z.ZodType }>;

type Described = { readonly status: number; readonly body: z.ZodType; readonly takes?: z.ZodType };
const described: Record<string, Described> = answersTo;

const pathSchemas: Record<string, z.ZodType> = {
  'migrations/{id}': migrationId,
  'batches/{id}': batchId,
  'hosts/{host}': hostId,
};

const queries: Record<string, z.ZodObject> = {
  'list-migrations': z.object({ state: z.enum(runStates), top: z.int().min(1).max(1000) }),
};

const schemaOf = (schema: z.ZodType, io: 'input' | 'output') => {
  const { $schema: _dialect, ...body } = z.toJSONSchema(schema, { io, target: 'openapi-3.0' });
  return body;
};

const content = (type: string, schema: z.ZodType, io: 'input' | 'output') => ({
  [type]: { schema: schemaOf(schema, io) },
});

/** OpenAPI 3.0.3 of the HTTP interface, from the same schemas that parse and answer. */
export function openApiOf(routes: readonly Route[]): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const entry = described[route.name];
    if (entry === undefined) continue;
    const path = (paths[`/${route.route}`] ??= {});
    path[route.method.toLowerCase()] = operationOf(route, entry);
  }
  return {
    openapi: '3.0.3',
    info: { title: 'hyperferry', version: '1', description: 'Moves virtual machines between Hyper-V hosts.' },
    servers: [{ url: '/api' }],
    security: [{ functionKey: [] }],
    paths,
    components: { securitySchemes: { functionKey: { type: 'apiKey', in: 'header', name: 'x-functions-key' } } },
  };
}

const operationOf = (route: Route, entry: Described) => ({
  operationId: route.name,
  parameters: parametersOf(route),
  ...(entry.takes === undefined
    ? {}
    : { requestBody: { required: true, content: content('application/json', entry.takes, 'input') } }),
  responses: {
    [entry.status]: { description: 'Done.', content: content('application/json', entry.body, 'output') },
    default: {
      description: 'A problem document (RFC 9457).',
      content: content('application/problem+json', problem, 'output'),
    },
  },
});

function parametersOf(route: Route): unknown[] {
  const inPath = [...route.route.matchAll(/\{(\w+)\}/g)].map((match) => {
    const upToHere = route.route.slice(0, match.index + match[0].length);
    return {
      name: match[1],
      in: 'path',
      required: true,
      schema: schemaOf(pathSchemas[upToHere] ?? z.string(), 'input'),
    };
  });
  const inQuery = Object.entries(queries[route.name]?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: false,
    schema: schemaOf(schema as z.ZodType, 'input'),
  }));
  const inHeader =
    route.name === 'start-migration'
      ? [{ name: 'Idempotency-Key', in: 'header', required: false, schema: { type: 'string' } }]
      : [];
  return [...inPath, ...inQuery, ...inHeader];
}

export const openApiRoute = (routes: readonly Route[]): Route => ({
  name: 'openapi',
  method: 'GET',
  route: 'openapi.json',
  handle: async (): Promise<HttpResponseInit> => json(200, openApiOf(routes)),
});
