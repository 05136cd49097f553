import { startTimer } from './clock';
import type { ControlChannel } from './emulator-channel';
import { refuseHandshake, type Handshake, type SocketServer } from './emulator-handshake';
import type { EmulatorContext } from './emulator-options';
import { randomGuid } from './random';

/** What a listener did with a sender's wish for a WebSocket. */
export type WebSocketOffer =
  | { readonly type: 'refused'; readonly status: string; readonly description: string }
  | { readonly type: 'opened' }
  | { readonly type: 'unanswered' };

/** The `accept` messages of the protocol. There are no such senders here; a test offers one to see what a listener does. */
export type Accepts = {
  offer(channel: ControlChannel, path: string): Promise<WebSocketOffer>;
  /** A listener's answer to an offer: it connects, or says in the query that it does not want to. */
  take(handshake: Handshake): void;
};

/** The service answers a refusal with this status. */
const gone = 410;

export function createAccepts(context: EmulatorContext, server: SocketServer): Accepts {
  const { clock, limits, random } = context;
  const waiting = new Map<string, { readonly path: string; readonly answer: (offer: WebSocketOffer) => void }>();

  return {
    offer(channel, path) {
      const id = randomGuid(random);
      return new Promise((resolve) => {
        const answer = (offer: WebSocketOffer) => {
          stopTimer();
          waiting.delete(id);
          resolve(offer);
        };
        const stopTimer = startTimer(clock, limits.rendezvousMsMax, () => answer({ type: 'unanswered' }));
        waiting.set(id, { path, answer });
        const address = `ws://${channel.host}/$hc/${path}?sb-hc-action=accept&sb-hc-id=${id}`;
        channel.socket.send(JSON.stringify({ accept: { address, id, connectHeaders: {} } }));
      });
    },
    take(handshake) {
      const { path, query, socket } = handshake;
      const offered = waiting.get(query.get('sb-hc-id') ?? '');
      const status = query.get('sb-hc-statusCode');
      if (offered?.path !== path) {
        refuseHandshake(context, socket, 403, 'The address is unknown, used or expired');
      } else if (status !== null) {
        offered.answer({ type: 'refused', status, description: query.get('sb-hc-statusDescription') ?? '' });
        refuseHandshake(context, socket, gone, 'Gone');
      } else {
        server.complete(handshake, (opened) => {
          offered.answer({ type: 'opened' });
          opened.close(1000);
        });
      }
    },
  };
}
