import { z } from 'zod';
import type { EntityMessage } from './decision';

const extension = 'Microsoft.Azure.WebJobs.Extensions.DurableTask';
const requestType = `${extension}.RequestMessage, ${extension}`;
const releaseType = `${extension}.ReleaseMessage, ${extension}`;
const responseType = `${extension}.ResponseMessage, ${extension}`;

const request = z.object({
  id: z.string(),
  op: z.string().nullish(),
  signal: z.boolean().nullish(),
  input: z.string().nullish(),
  parent: z.string().nullish(),
  parentExecution: z.string().nullish(),
  lockset: z.array(z.object({ name: z.string(), key: z.string() })).nullish(),
  /** Which entity of the lock set has the request. */
  pos: z.int().nullish(),
});

/** A message on its way to an entity, as it stands in EventSent and in the entity's inbox. */
export type EntityRequest = z.infer<typeof request>;

/** The text of a request to an entity; `id` is also the name of the event by which the reply comes. */
export function requestText(
  message: Exclude<EntityMessage, { kind: 'release' }>,
  sender: {
    readonly requestId: string;
    readonly instanceId: string;
    readonly executionId: string;
    readonly now: string;
  },
): string {
  const common = { id: sender.requestId, parent: sender.instanceId, parentExecution: sender.executionId };
  if (message.kind === 'lock') {
    return JSON.stringify({ $type: requestType, op: null, ...common, lockset: message.lockSet, pos: 0 });
  }
  return JSON.stringify({
    $type: requestType,
    op: message.operation,
    ...(message.kind === 'signal' ? { signal: true } : {}),
    ...(message.input === null ? {} : { input: message.input }),
    ...common,
    requestTime: sender.now,
  });
}

export const releaseText = (requestId: string, parent: string): string =>
  JSON.stringify({ $type: releaseType, parent, id: requestId });

/** The text of a signal that has no orchestration behind it: from a client, or from the entity `parent`. */
export const signalText = (operation: string, input: string | null, requestId: string, parent: string | null): string =>
  JSON.stringify({
    $type: requestType,
    op: operation,
    signal: true,
    ...(input === null ? {} : { input }),
    id: requestId,
    ...(parent === null ? {} : { parent }),
  });

/** A lock request on its way to the next entity of its set. */
export const forwardedLockText = (granted: EntityRequest): string =>
  JSON.stringify({ $type: requestType, ...granted, pos: (granted.pos ?? 0) + 1 });

/** The text of an entity's reply. `result` is JSON text. */
export const responseText = (result: string | null, exceptionType: string | undefined): string =>
  JSON.stringify({
    $type: responseType,
    ...(result === null ? {} : { result }),
    ...(exceptionType === undefined ? {} : { exceptionType }),
  });

export const lockGrantedText = (): string =>
  JSON.stringify({ $type: responseType, result: 'Lock Acquisition Completed' });

/** The id of the request in an EventSent's input; undefined when the text holds none. */
export function requestIdOf(text: string | null): string | undefined {
  return parseRequest(text)?.id;
}

export function parseRequest(text: string | null): EntityRequest | undefined {
  if (text === null) return undefined;
  const parsed = request.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data : undefined;
}
