import { isFields, isInteger, isTextOrNull, type Fields } from '../core/plain';
import { plainTypedData } from '../core/typed-data';
import {
  fromWorker,
  toWorker,
  type Call,
  type FromWorker,
  type ToWorker,
  type WireNextTurn,
  type WireTurn,
} from './messages';

/** Reads a message of a worker; throws when it is none. */
export const readFromWorker = (value: unknown): FromWorker => plainEnd(value) ?? fromWorker.parse(value);

/** Reads a message of the host; throws when it is none. */
export const readToWorker = (value: unknown): ToWorker => plainInvoke(value) ?? toWorker.parse(value);

/** The end of a function that returned. */
function plainEnd(value: unknown): FromWorker | undefined {
  if (!isFields(value) || value['type'] !== 'ended') return undefined;
  const { id, end, goesOnAtMs } = value;
  if (!isInteger(id) || !isFields(end) || end['kind'] !== 'returned') return undefined;
  if (goesOnAtMs !== null && !isInteger(goesOnAtMs)) return undefined;
  const returned = end['value'] === null ? null : plainTypedData(end['value']);
  if (returned === undefined) return undefined;
  return { type: 'ended', id, end: { kind: 'returned', value: returned }, goesOnAtMs };
}

/** The call of an activity, or of an orchestrator that goes on. */
function plainInvoke(value: unknown): ToWorker | undefined {
  if (!isFields(value) || value['type'] !== 'invoke') return undefined;
  const { id, invocationId, functionName } = value;
  if (!isInteger(id) || typeof invocationId !== 'string' || typeof functionName !== 'string') return undefined;
  const call = isFields(value['call']) ? plainCall(value['call']) : undefined;
  return call === undefined ? undefined : { type: 'invoke', id, invocationId, functionName, call };
}

function plainCall(value: Fields): Call | undefined {
  switch (value['kind']) {
    case 'activity': {
      const { instanceId, input, next } = value;
      if (typeof instanceId !== 'string' || !isTextOrNull(input)) return undefined;
      return next === null || isNextTurn(next) ? { kind: 'activity', instanceId, input, next } : undefined;
    }
    case 'orchestrator':
      return isTurn(value['turn']) ? { kind: 'orchestrator', turn: value['turn'] } : undefined;
    default:
      return undefined;
  }
}

const isNextTurn = (value: unknown): value is WireNextTurn =>
  isFields(value) &&
  isInteger(value['id']) &&
  typeof value['invocationId'] === 'string' &&
  typeof value['functionName'] === 'string' &&
  isInteger(value['taskId']) &&
  isTurn(value['turn']);

/** The host has read or made each event itself: that they are events is enough here. */
const isTurn = (value: unknown): value is WireTurn =>
  isFields(value) &&
  typeof value['instanceId'] === 'string' &&
  typeof value['executionId'] === 'string' &&
  isInteger(value['base']) &&
  isInteger(value['playedCount']) &&
  isInteger(value['knownActions']) &&
  isTextOrNull(value['input']) &&
  isTextOrNull(value['parentInstanceId']) &&
  isTextOrNull(value['sourceInstanceId']) &&
  Array.isArray(value['events']) &&
  value['events'].every(isEvent);

const isEvent = (value: unknown): boolean =>
  isFields(value) &&
  isInteger(value['EventType']) &&
  isInteger(value['EventId']) &&
  typeof value['Timestamp'] === 'string';
