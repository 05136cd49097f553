import type { Socket } from 'node:net';
import { request, type Agent, type IncomingHttpHeaders } from 'node:http';
import { WebSocket, type RawData } from 'ws';
import { z } from 'zod';
import { resourceOf } from '../address';
import { testHost, testKeys, until } from './support';
import { sasToken } from '../token';

/** Bare peers of the relay for tests: a listener and a sender that do as they are told, right or wrong. */
export type RawMessage = { readonly text?: string; readonly bytes?: Buffer };

export type RawListener = {
  readonly socket: WebSocket;
  /** All messages so far. */
  readonly messages: RawMessage[];
  /** The nth text message as JSON, counted from 0, once it is there. */
  frame(index: number): Promise<Record<string, Record<string, unknown>>>;
  /** The close code, once the socket is closed. */
  closed(): Promise<number>;
  send(frame: Record<string, unknown>, body?: Buffer): void;
  /** Writes below the WebSocket, where the bytes are no frame. */
  sendBytes(bytes: Buffer): void;
};

const frameJson = z.record(z.string(), z.record(z.string(), z.unknown()));

export type Handshake = { readonly url: string; readonly headers?: Record<string, string> };

export const bytesOfRaw = (data: RawData): Buffer => (Buffer.isBuffer(data) ? data : Buffer.alloc(0));

export function rawSocket({ url, headers = {} }: Handshake): RawListener {
  const socket = new WebSocket(url, { headers });
  const messages: RawMessage[] = [];
  const texts: string[] = [];
  let closeCode: number | undefined;
  let connection: Socket | undefined;
  socket.on('upgrade', (response) => (connection = response.socket));
  socket.on('error', () => {});
  socket.on('close', (code) => (closeCode = code));
  socket.on('message', (data, binary) => {
    const bytes = bytesOfRaw(data);
    messages.push(binary ? { bytes } : { text: bytes.toString('utf8') });
    if (!binary) texts.push(bytes.toString('utf8'));
  });
  return {
    socket,
    messages,
    async frame(index) {
      await until(`message ${index} arrives`, () => texts.length > index);
      return frameJson.parse(JSON.parse(texts[index] ?? ''));
    },
    async closed() {
      await until('the socket closes', () => closeCode !== undefined);
      return closeCode ?? 0;
    },
    send(frame, body) {
      socket.send(JSON.stringify(frame));
      if (body !== undefined) socket.send(body);
    },
    sendBytes: (bytes) => connection?.write(bytes),
  };
}

type ProbeToken = { readonly lifetimeMs?: number; readonly path?: string; readonly key?: string };

export function tokenFor(keyName: string, { lifetimeMs = 60_000, path = testHost, key }: ProbeToken = {}): string {
  const signingKey = key ?? testKeys.find(({ name }) => name === keyName)?.key ?? '';
  const expiresAtSeconds = Math.floor((Date.now() + lifetimeMs) / 1000);
  return sasToken(resourceOf('http://127.0.0.1', path), keyName, signingKey, expiresAtSeconds);
}

export const webSocketUrl = (endpoint: string, path: string, query: string): string =>
  `${endpoint.replace('http', 'ws')}/$hc/${path}?${query}`;

/** A listener on the control channel; `open` has happened when it resolves. */
export async function rawListener(
  endpoint: string,
  token = tokenFor('agent'),
  id = 'listener-1',
): Promise<RawListener> {
  const url = webSocketUrl(endpoint, testHost, `sb-hc-action=listen&sb-hc-id=${id}`);
  const listener = rawSocket({ url, headers: { ServiceBusAuthorization: token } });
  await until('the raw listener opens', () => listener.socket.readyState === WebSocket.OPEN);
  return listener;
}

/** The HTTP status and text with which a handshake is refused. */
export function refusedHandshake({ url, headers = {} }: Handshake): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { headers });
    socket.on('open', () => {
      socket.terminate();
      reject(new Error('the handshake was accepted'));
    });
    socket.on('error', () => {});
    socket.on('unexpected-response', (_request, response) => {
      resolve({ status: response.statusCode ?? 0, text: response.statusMessage ?? '' });
      socket.terminate();
    });
  });
}

export type RawAnswer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
};

type RawRequest = {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: Buffer | string;
  /** Pieces that are sent with chunked transfer encoding. */
  readonly chunks?: readonly string[];
  readonly agent?: Agent;
  readonly signal?: AbortSignal;
};

/** One HTTP request of a sender. Rejects when the connection ends without a whole answer. */
export function rawSend(
  endpoint: string,
  { path = `/${testHost}/x`, method = 'GET', headers, body, chunks = [], agent, signal }: RawRequest = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${endpoint}${path}`,
      {
        method,
        headers: headers ?? { ServiceBusAuthorization: tokenFor('app') },
        // Without an agent of its own each request has its own connection, and so its own rendezvous.
        agent: agent ?? false,
        ...(signal && { signal }),
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(parts).toString('utf8'),
          }),
        );
      },
    );
    sent.on('error', reject);
    for (const chunk of chunks) sent.write(chunk);
    sent.end(body);
  });
}
