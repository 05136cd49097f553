/** Words of which cases are made. */
import type { Answer, KeyChoice, Request, Step } from './case';
import { anything, some, type Expected } from './match';

type Exchange = Extract<Step, { kind: 'exchange' }>;

export const exchange = (request: Request, answer: Answer, more: Partial<Exchange> = {}): Step => ({
  kind: 'exchange',
  request,
  answer,
  ...more,
});
export const pass = (ms: number): Step => ({ kind: 'pass', ms });
export const together = (count: number, ...steps: readonly Step[]): Step => ({ kind: 'together', count, steps });

/** `METHOD path` below the origin. */
export const ask = (line: string, answer: Answer, more: Omit<Request, 'method' | 'path'> = {}): Step =>
  exchange(requestOf(line, more), answer);
export const askWith = (key: KeyChoice, line: string, status: number): Step => ask(line, { status }, { key });

/** `METHOD path` below the management API. */
export const manage = (line: string, answer: Answer, more: Omit<Request, 'method' | 'path'> = {}): Step =>
  exchange(requestOf(line.replace(' ', ' durable:'), more), answer);

function requestOf(line: string, more: Omit<Request, 'method' | 'path'>): Request {
  const [method = '', path = ''] = line.split(' ');
  return { method, path, ...more };
}

/** Starts an orchestration, with the case's id unless another is given. */
export const start = (name: string, input?: unknown, id = '{id}'): Step =>
  manage(`POST /orchestrators/${name}/${id}`, { status: 202 }, input === undefined ? { text: '' } : { json: input });

type InstanceLook = { readonly id?: string; readonly query?: string; readonly msMax?: number };

const look = (until: 'fits' | 'ended', status: readonly number[], body: Expected, where: InstanceLook): Step => ({
  kind: 'exchange',
  request: { method: 'GET', path: `durable:/instances/${where.id ?? '{id}'}${where.query ?? ''}` },
  answer: { status, body },
  until,
  ...(where.msMax === undefined ? {} : { msMax: where.msMax }),
});

type Fields = { readonly [name: string]: Expected };

/** It completes, with this output. */
export const completed = (output: Expected, more: Fields = {}, where: InstanceLook = {}): Step =>
  look('ended', [200], some({ runtimeStatus: 'Completed', output, ...more }), where);
/** It fails, with such an output. */
export const failed = (output: Expected, more: Fields = {}, where: InstanceLook = {}): Step =>
  look('ended', [200], some({ runtimeStatus: 'Failed', output, ...more }), where);
export const terminated = (output: Expected, where: InstanceLook = {}): Step =>
  look('ended', [200], some({ runtimeStatus: 'Terminated', output }), where);
/** Sooner or later its status is so. */
export const shows = (fields: Fields, where: InstanceLook = {}): Step => look('fits', [200, 202], some(fields), where);
export const running = (where: InstanceLook = {}): Step => shows({ runtimeStatus: 'Running' }, where);
/** It is still so after a while, in which it would have ended. */
export const staysRunning = (ms: number): readonly Step[] => [
  running(),
  pass(ms),
  manage('GET /instances/{id}', { status: 202, body: some({ runtimeStatus: 'Running' }) }),
];

/** It never ends, for all that can be seen: where the real engine waits for ever. */
export const hangs: readonly Step[] = staysRunning(5000);

export const raise = (event: string, data: unknown, id = '{id}'): Step =>
  manage(`POST /instances/${id}/raiseEvent/${event}`, { status: 202 }, { json: data });
export const operate = (operation: string, status = 202, id = '{id}'): Step =>
  manage(`POST /instances/${id}/${operation}`, { status });
export const signal = (entity: string, operation: string, data?: unknown): Step =>
  manage(`POST /entities/${entity}?op=${operation}`, { status: 202 }, data === undefined ? {} : { json: data });
/** Sooner or later the entity's state is so. */
export const entityIs = (entity: string, state: Expected, msMax?: number): Step =>
  exchange(
    { method: 'GET', path: `durable:/entities/${entity}` },
    { status: 200, body: state },
    { until: 'fits', ...(msMax === undefined ? {} : { msMax }) },
  );

/** Calls a method of the durable client inside the app. */
export const client = (operation: string, wanted: object, result: Expected, more: Partial<Exchange> = {}): Step =>
  exchange({ method: 'POST', path: `/api/client/${operation}`, json: wanted }, { status: 200, body: { result } }, more);
export const clientFails = (operation: string, wanted: object, error: Expected): Step =>
  ask(`POST /api/client/${operation}`, { status: 200, body: { error } }, { json: wanted });

/** The links of an instance, as a start answers them. */
export const startLinks = (id: Expected = '{id}'): Expected => ({
  id,
  statusQueryGetUri: anything,
  sendEventPostUri: anything,
  terminatePostUri: anything,
  purgeHistoryDeleteUri: anything,
  restartPostUri: anything,
  suspendPostUri: anything,
  resumePostUri: anything,
});
