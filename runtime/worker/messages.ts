import { z } from 'zod';
import type { TypedData } from '../core/typed-data';
import { historyEvent } from '../engine/history';

/** A value between host and worker: the shapes of RpcTypedData that occur, bytes as base64. */
export const wireValue = z.union([
  z.object({ string: z.string() }),
  z.object({ json: z.string() }),
  z.object({ int: z.number() }),
  z.object({ double: z.number() }),
  z.object({ base64: z.string() }),
]);
export type WireValue = z.infer<typeof wireValue>;

export const typedDataOf = (value: WireValue): TypedData =>
  'base64' in value ? { bytes: Buffer.from(value.base64, 'base64') } : value;

const json = z.string().nullable();

/** A turn as it travels: of the history only what this worker has not got (`base` events are there). */
const wireTurn = z.object({
  instanceId: z.string(),
  executionId: z.string(),
  base: z.int(),
  events: z.array(historyEvent),
  playedCount: z.int(),
  input: json,
  parentInstanceId: z.string().nullable(),
  sourceInstanceId: z.string().nullable(),
  /** Not null: the worker goes on from where the turn before stopped, or answers 'historyMissing'. The input is null then. */
  knownActions: z.int().nullable(),
});
export type WireTurn = z.infer<typeof wireTurn>;

const strings = z.record(z.string(), z.string());

/** An HTTP request for a function. `body` is base64; a streamed request has none, it comes through the worker's own HTTP server. */
export const wireRequest = z.object({
  method: z.string(),
  url: z.string(),
  headers: strings,
  query: strings,
  params: strings,
  body: z.string().nullable(),
});
export type WireRequest = z.infer<typeof wireRequest>;

/** What a run is told of those before it that failed. */
const retryContext = z.object({
  retryCount: z.int(),
  maxRetryCount: z.int(),
  exception: z.object({ message: z.string(), stackTrace: z.string() }),
});

/** A turn that the worker goes on with when the activity before it returns, as if it were called with `id` then. */
const nextTurn = z.object({
  id: z.int(),
  invocationId: z.string(),
  functionName: z.string(),
  /** The task that the activity ends. */
  taskId: z.int(),
  /** Without the events that begin the turn: they follow from the activity's end. */
  turn: wireTurn,
});
export type WireNextTurn = z.infer<typeof nextTurn>;

const call = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('orchestrator'), turn: wireTurn }),
  z.object({ kind: z.literal('activity'), instanceId: z.string(), input: json, next: nextTurn.nullable() }),
  z.object({ kind: z.literal('entity'), payload: z.string() }),
  z.object({ kind: z.literal('http'), request: wireRequest }),
  z.object({ kind: z.literal('timer'), payload: z.string(), retry: retryContext.nullable() }),
]);
export type Call = z.infer<typeof call>;

export const toWorker = z.discriminatedUnion('type', [
  /** The first message: the app, and the durable client binding's data (JSON text). */
  z.object({ type: z.literal('load'), appFolder: z.string(), clientData: z.string() }),
  z.object({ type: z.literal('invoke'), id: z.int(), invocationId: z.string(), functionName: z.string(), call }),
  z.object({ type: z.literal('ping'), id: z.int() }),
  /** Runs the app's terminate hooks; the worker ends after its answer. */
  z.object({ type: z.literal('stop') }),
]);
export type ToWorker = z.infer<typeof toWorker>;

const binding = z.looseObject({ type: z.string(), direction: z.string().optional() });

export const wireFunction = z.object({
  name: z.string(),
  kind: z.enum(['orchestrator', 'activity', 'entity', 'http', 'timer', 'unsupported']),
  triggerName: z.string(),
  bindings: z.record(z.string(), binding),
  /** The `retry` of the function as it was registered; null when it has none. */
  retry: z.unknown(),
});
export type WireFunction = z.infer<typeof wireFunction>;

export const wireResponse = z.object({
  status: z.int(),
  headers: strings,
  /** Values of Set-Cookie. */
  cookies: z.array(z.string()),
  body: z.string().nullable(),
});
export type WireResponse = z.infer<typeof wireResponse>;

const end = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('returned'), value: wireValue.nullable() }),
  z.object({ kind: z.literal('http'), response: wireResponse }),
  z.object({ kind: z.literal('threw'), name: z.string(), message: z.string(), stack: z.string() }),
  /** The worker has not got the events that the host thought it had; the host sends all. */
  z.object({ kind: z.literal('historyMissing') }),
]);
export type WireEnd = z.infer<typeof end>;

export const fromWorker = z.discriminatedUnion('type', [
  z.object({ type: z.literal('loaded'), functions: z.array(wireFunction), httpUri: z.string().nullable() }),
  z.object({ type: z.literal('loadFailed'), message: z.string() }),
  /** `goesOnAtMs`: the worker begins the turn now that came with the call; its end follows. */
  z.object({ type: z.literal('ended'), id: z.int(), end, goesOnAtMs: z.int().nullable() }),
  /** `memoryBytes`: what the process holds of the machine's memory. */
  z.object({ type: z.literal('pong'), id: z.int(), memoryBytes: z.int() }),
  z.object({ type: z.literal('stopped') }),
  z.object({
    type: z.literal('log'),
    level: z.string(),
    category: z.string(),
    message: z.string(),
    functionName: z.string().nullable(),
    invocationId: z.string().nullable(),
  }),
]);
export type FromWorker = z.infer<typeof fromWorker>;
