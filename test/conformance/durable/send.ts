import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KeyChoice, Request } from './case';
import type { Target } from './targets/target';

export type Received = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly raw: string;
};

const durableBase = '/runtime/webhooks/durabletask';
/** A request that takes longer is given up. */
const requestMsMax = 60_000;

export async function sendRequest(request: Request, target: Target): Promise<Received> {
  const isWhole = /^https?:/.test(request.path);
  const url = new URL(isWhole ? request.path : `${target.origin}${request.path.replace(/^durable:/, durableBase)}`);
  const headers: Record<string, string> = { ...request.headers };
  const key = keyOf(request.key ?? 'master', target);
  if (request.key === 'master in the address') url.searchParams.set('code', target.keys.master);
  else if (key !== undefined) headers['x-functions-key'] = key;
  if ('json' in request) headers['content-type'] ??= 'application/json';
  const body = bodyOf(request);
  const response = await fetch(url, {
    method: request.method,
    headers,
    redirect: 'manual',
    signal: AbortSignal.timeout(requestMsMax),
    ...(body === undefined ? {} : { body }),
  });
  const raw = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true && raw !== '';
  return {
    status: response.status,
    headers: { ...Object.fromEntries(response.headers), 'set-cookie': response.headers.getSetCookie().join(', ') },
    body: isJson ? (JSON.parse(raw) as unknown) : raw,
    raw,
  };
}

function bodyOf(request: Request): string | Buffer | undefined {
  if ('json' in request) return JSON.stringify(request.json);
  if (request.byteCount !== undefined) return Buffer.alloc(request.byteCount, 0x61);
  return request.text;
}

function keyOf(choice: KeyChoice, target: Target): string | undefined {
  switch (choice) {
    case 'none':
    case 'master in the address':
      return undefined;
    case 'wrong':
      return 'a-key-that-opens-nothing';
    case 'function':
      return target.keys.function;
    case 'system':
      return target.keys.system;
    case 'master':
      return target.keys.master;
  }
}

/** How long a bare connection may stay open where nothing is said. */
const socketMsMax = 10_000;

/** Writes the pieces on a bare connection, with a pause between them, and returns all that came back. */
export async function talk(
  origin: URL,
  pieces: readonly string[],
  pauseMs: number,
  msMax = socketMsMax,
): Promise<string> {
  const socket = connect(Number(origin.port), origin.hostname);
  const parts: Buffer[] = [];
  const closed = new Promise<void>((resolve) => {
    socket.on('data', (part) => parts.push(part));
    socket.on('error', () => resolve());
    socket.on('close', () => resolve());
  });
  const late = setTimeout(() => socket.destroy(), msMax);
  for (const piece of pieces) {
    socket.write(piece);
    await sleep(pauseMs);
  }
  await closed;
  clearTimeout(late);
  return Buffer.concat(parts).toString('utf8');
}
