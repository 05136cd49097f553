import type { Agent } from 'node:http';
import { WebSocket } from 'ws';
import { describeThrown } from '../contracts/failure';
import { pause, type Clock } from './clock';

export type SocketSettings = {
  readonly headers?: Record<string, string>;
  /** An agent that goes through a proxy, where the host has no way out of its own. */
  readonly agent?: Agent | undefined;
  /** A message above this closes the socket before it is in memory. */
  readonly messageBytesMax: number;
  readonly handshakeMsMax: number;
  readonly signal?: AbortSignal;
};

export type OpenedSocket =
  | { readonly type: 'open'; readonly socket: WebSocket }
  /** The other side answered the handshake with an HTTP status instead. */
  | { readonly type: 'refused'; readonly status: number; readonly text: string }
  | { readonly type: 'failed'; readonly reason: string };

/** TCP probes find a peer that vanished; the relay gives no answer that could tell (a PING makes it drop the channel). */
const tcpKeepaliveMs = 30_000;

/**
 * Opens a WebSocket. Never throws. `attach` sees the socket before it is open, since messages may come with the handshake's answer.
 */
export function openSocket(
  url: string,
  { headers = {}, agent, messageBytesMax, handshakeMsMax, signal }: SocketSettings,
  attach: (socket: WebSocket) => void,
): Promise<OpenedSocket> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, {
      headers,
      maxPayload: messageBytesMax,
      handshakeTimeout: handshakeMsMax,
      perMessageDeflate: false,
      // A PONG of ours answers a PING of the relay; that is all of ping and pong that the relay tolerates.
      autoPong: true,
      ...(agent === undefined ? {} : { agent }),
    });
    const abort = () => socket.terminate();
    signal?.addEventListener('abort', abort);
    const settle = (opened: OpenedSocket) => {
      signal?.removeEventListener('abort', abort);
      resolve(opened);
    };
    socket.on('upgrade', (response) => response.socket.setKeepAlive(true, tcpKeepaliveMs));
    socket.on('open', () => settle({ type: 'open', socket }));
    socket.on('unexpected-response', (_request, response) => {
      settle({ type: 'refused', status: response.statusCode ?? 0, text: response.statusMessage ?? '' });
      socket.terminate();
    });
    // Stays for the life of the socket: an error event without a listener would end the process. A close event follows it.
    socket.on('error', (error) => settle({ type: 'failed', reason: describeThrown(error) || 'the connection failed' }));
    attach(socket);
    if (signal?.aborted === true) abort();
  });
}

const closeMsMax = 2000;

/** Closes in order, and by force when the other side does not answer in time. */
export async function closeSocket(clock: Clock, socket: WebSocket, code: number, reason: string): Promise<void> {
  if (socket.readyState === WebSocket.CLOSED) return;
  const closed = new AbortController();
  socket.once('close', () => closed.abort());
  socket.close(code, reason);
  await pause(clock, closeMsMax, closed.signal);
  socket.terminate();
}
