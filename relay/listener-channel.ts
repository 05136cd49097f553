import type { WebSocket } from 'ws';
import { describeThrown } from '../contracts/failure';
import { listenUrl, resourceOf } from './address';
import { startRepeating, startSilenceWatch, startTimer } from './clock';
import { controlBodyBytesMax, controlHeaderBytesMax, frameToListener, type FrameToListener } from './frames';
import type { Exchanges, OutgoingResponse } from './listener-exchanges';
import type { ListenerContext } from './listener-options';
import type { Rendezvous } from './listener-rendezvous';
import { pairSender, readMessagePairs, type PairSender } from './message-pairs';
import { randomGuid } from './random';
import { closeSocket, openSocket, type OpenedSocket } from './socket';
import { renewalDelayMs, type RelayToken } from './token';

export type ChannelEnd =
  | { readonly type: 'lost'; readonly code: number; readonly reason: string }
  /** Nothing came for `silenceMsMax`; the channel is still open and to be replaced. */
  | { readonly type: 'silent' };

/** The control channel of a listener: while it is open, the relay routes requests to it. */
export type Channel = { readonly ended: Promise<ChannelEnd>; close(): Promise<void> };

export type OpenedChannel =
  { readonly type: 'open'; readonly channel: Channel } | Exclude<OpenedSocket, { readonly type: 'open' }>;

/** The protocol's limit of a body is 64 KB; a message above this closes the channel, which the listener then opens again. */
const messageBytesMax = 256 * 1024;
const renewalRetryMs = 10_000;

/** Opens a control channel and serves it. Never throws; the channel ends by itself or by `close`. */
export async function openChannel(
  context: ListenerContext,
  exchanges: Exchanges,
  rendezvous: Rendezvous,
  token: RelayToken,
  signal: AbortSignal,
): Promise<OpenedChannel> {
  const { clock, endpoint, path, limits, agent, random } = context;
  let ended: Promise<ChannelEnd> | undefined;
  const settings = {
    headers: { ServiceBusAuthorization: token.value },
    agent,
    messageBytesMax,
    handshakeMsMax: limits.handshakeMsMax,
    signal,
  };
  const url = listenUrl(endpoint, path, randomGuid(random));
  const opened = await openSocket(url, settings, (socket) => {
    ended = serveChannel(context, exchanges, rendezvous, token, socket);
  });
  if (opened.type !== 'open' || ended === undefined) return opened.type === 'open' ? notServed : opened;
  const close = () => closeSocket(clock, opened.socket, 1000, 'the listener closes');
  return { type: 'open', channel: { ended, close } };
}

const notServed = { type: 'failed', reason: 'the channel opened before it was served' } as const;

function serveChannel(
  context: ListenerContext,
  exchanges: Exchanges,
  rendezvous: Rendezvous,
  token: RelayToken,
  socket: WebSocket,
): Promise<ChannelEnd> {
  const { clock, limits, log } = context;
  const sender = pairSender(socket);

  // A rendezvous also takes an answer whose channel closed meanwhile: the request came on it just before its end.
  const reply = async (address: string | undefined, response: OutgoingResponse) => {
    const large = (response.body?.length ?? 0) > controlBodyBytesMax || response.headerBytes > controlHeaderBytesMax;
    if (!large && socket.readyState === socket.OPEN) await sender.send(response.frame, response.body);
    else if (address !== undefined) await rendezvous.respond(address, response);
    else throw new Error('it does not fit the control channel, or that is closed, and the request named no rendezvous');
  };

  const deliver = (frame: FrameToListener, body: Buffer): void => {
    switch (frame.type) {
      case 'request':
        exchanges.handle(frame.request, body, (response) => reply(frame.request.address, response));
        return;
      case 'request-elsewhere':
        void rendezvous.fetchRequest(frame.address);
        return;
      case 'accept':
        void rendezvous.refuseWebSocket(frame.address);
        return;
      case 'unusable':
        log({ level: 'warn', message: `the relay sent what this listener cannot use: ${frame.reason}` });
    }
  };

  return new Promise((resolve) => {
    const silence = startSilenceWatch(clock, limits.silenceMsMax, () => resolve({ type: 'silent' }));
    let stopTimers = () => silence.stop();
    socket.on('message', () => silence.touch());
    readMessagePairs(socket, {
      read: frameToListener,
      deliver,
      complain: (message) => log({ level: 'warn', message }),
    });
    socket.on('open', () => {
      const stopKeepalive = startRepeating(clock, limits.keepaliveMs, () => {
        if (socket.readyState === socket.OPEN) socket.pong();
      });
      const stopRenewal = startRenewal(context, sender, token);
      stopTimers = () => {
        silence.stop();
        stopKeepalive();
        stopRenewal();
      };
    });
    socket.on('close', (code, reason) => {
      stopTimers();
      resolve({ type: 'lost', code, reason: reason.toString('utf8') });
    });
  });
}

/** Sends a new token before the one in use ends; the relay closes the channel (1008) when none comes in time. */
function startRenewal(
  { clock, tokens, endpoint, path, log }: ListenerContext,
  sender: PairSender,
  first: RelayToken,
): () => void {
  let stopped = false;
  let stopTimer = () => {};
  let inUse = first;

  const plan = (delayMs: number) => {
    if (!stopped) stopTimer = startTimer(clock, delayMs, () => void renew());
  };
  const planFor = (token: RelayToken) =>
    plan(Math.max(renewalDelayMs(token.expiresAtMs - clock.now()), inUse === first ? 0 : renewalRetryMs));

  async function renew(): Promise<void> {
    try {
      const token = await tokens.token(resourceOf(endpoint, path));
      const changed = token.value !== inUse.value;
      if (changed) await sender.send({ renewToken: { token: token.value } });
      inUse = token;
      if (changed) planFor(token);
      else plan(renewalRetryMs);
    } catch (thrown) {
      log({ level: 'warn', message: `the relay token could not be renewed: ${describeThrown(thrown)}` });
      plan(renewalRetryMs);
    }
  }

  planFor(first);
  return () => {
    stopped = true;
    stopTimer();
  };
}
