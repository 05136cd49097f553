import type { WebSocket } from 'ws';
import { rendezvousUrl } from './address';
import { startSilenceWatch } from './clock';
import { frameToListener, type FrameToListener } from './frames';
import type { Exchanges, OutgoingResponse } from './listener-exchanges';
import type { ListenerContext } from './listener-options';
import { pairSender, readMessagePairs, type PairSender } from './message-pairs';
import { closeSocket, openSocket, type OpenedSocket } from './socket';

/**
 * Sockets beside the control channel, for what is too large for it. The relay names their address; a socket then belongs to one HTTPS
 * connection of a sender and stays open for its later requests, until the relay closes it.
 */
export type Rendezvous = {
  /** Takes a request that waits at the address. */
  fetchRequest(address: string): Promise<void>;
  /** Sends an answer that is too large for the control channel. Rejects when it cannot. */
  respond(address: string, response: OutgoingResponse): Promise<void>;
  /** Refuses a sender that wants a WebSocket: this listener answers HTTP requests alone. */
  refuseWebSocket(address: string): Promise<void>;
  close(): Promise<void>;
};

/** The relay answers this to a handshake that carries a refusal. */
const refusalTaken = 410;

export function createRendezvous(context: ListenerContext, exchanges: Exchanges): Rendezvous {
  const { clock, endpoint, limits, log, agent } = context;
  const sockets = new Set<WebSocket>();
  let underWay = 0;

  const warn = (message: string) => log({ level: 'warn', message });

  async function connect(address: string, attach: (socket: WebSocket) => void, query = ''): Promise<OpenedSocket> {
    const target = rendezvousUrl(endpoint, address);
    if ('refused' in target) return { type: 'failed', reason: target.refused };
    if (sockets.size + underWay >= limits.rendezvousCountMax)
      return { type: 'failed', reason: `${limits.rendezvousCountMax} rendezvous are open already` };
    const settings = { agent, messageBytesMax: 2 * limits.requestBytesMax, handshakeMsMax: limits.handshakeMsMax };
    underWay += 1;
    try {
      return await openSocket(target.url.href + query, settings, attach);
    } finally {
      underWay -= 1;
    }
  }

  function serve(socket: WebSocket): PairSender {
    const sender = pairSender(socket);
    const silence = startSilenceWatch(clock, limits.rendezvousIdleMsMax, () => {
      void closeSocket(clock, socket, 1000, 'idle');
    });
    const deliver = (frame: FrameToListener, body: Buffer) => {
      silence.touch();
      if (frame.type === 'request')
        exchanges.handle(frame.request, body, (response) => sender.send(response.frame, response.body));
      else warn(`a rendezvous carried something else than a request: ${frame.type}`);
    };
    readMessagePairs(socket, { read: frameToListener, deliver, complain: warn });
    socket.on('open', () => sockets.add(socket));
    socket.on('close', () => {
      silence.stop();
      sockets.delete(socket);
    });
    return sender;
  }

  return {
    async fetchRequest(address) {
      const opened = await connect(address, (socket) => serve(socket));
      if (opened.type !== 'open') warn(`a large request could not be fetched: ${whyNot(opened)}`);
    },
    async respond(address, { frame, body }) {
      let sender: PairSender | undefined;
      const opened = await connect(address, (socket) => (sender = serve(socket)));
      if (opened.type !== 'open') throw new Error(`no rendezvous for a large answer: ${whyNot(opened)}`);
      await sender?.send(frame, body);
    },
    async refuseWebSocket(address) {
      const query = new URLSearchParams({
        'sb-hc-statusCode': '501',
        'sb-hc-statusDescription': 'This listener answers HTTP requests only',
      });
      const opened = await connect(address, () => {}, `${address.includes('?') ? '&' : '?'}${query.toString()}`);
      if (opened.type === 'open') opened.socket.terminate();
      if (opened.type === 'refused' && opened.status === refusalTaken)
        log({ level: 'info', message: 'refused a sender that asked for a WebSocket' });
      else warn(`the refusal of a WebSocket was not taken: ${opened.type === 'open' ? 'it opened' : whyNot(opened)}`);
    },
    async close() {
      await Promise.all([...sockets].map((socket) => closeSocket(clock, socket, 1000, 'the agent stops')));
    },
  };
}

const whyNot = (opened: Exclude<OpenedSocket, { type: 'open' }>) =>
  opened.type === 'refused' ? `refused with ${opened.status} ${opened.text}` : opened.reason;
