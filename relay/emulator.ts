import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { describeThrown } from '../contracts/failure';
import { startTimer, systemClock } from './clock';
import type { ControlChannel } from './emulator-channel';
import { answerAsRelay } from './emulator-exchange';
import type { WebSocketOffer } from './emulator-accepts';
import { createListenDesk } from './emulator-listen';
import { closeCodes } from './emulator-messages';
import {
  emulatorLimits,
  emulatorSwitches,
  type EmulatorContext,
  type EmulatorOptions,
  type EmulatorSwitches,
} from './emulator-options';
import { createRendezvousDesk } from './emulator-rendezvous';
import { serveSender } from './emulator-sender';
import { silentLog } from './log';
import { systemRandom } from './random';

export type Emulator = {
  readonly port: number;
  /** `http://127.0.0.1:PORT`, for listener and client. */
  readonly endpoint: string;
  /** Changed in place; takes effect with the next message. */
  readonly switches: EmulatorSwitches;
  /** The ids (`sb-hc-id`) of the listeners that are connected. */
  listeners(path: string): readonly string[];
  /** Sends a text or binary message, whatever it is, to every listener of a hybrid connection. */
  inject(path: string, message: string | Buffer): void;
  /** Writes bytes below the WebSocket, where they are no frame. */
  injectBytes(path: string, bytes: Buffer): void;
  /** What the first listener does when a sender wants a WebSocket. */
  offerWebSocket(path: string): Promise<WebSocketOffer>;
  /** Breaks the control channels off without a close frame. */
  dropListeners(path: string): void;
  close(): Promise<void>;
};

const headerBytesMax = 64 * 1024;
/** How long listeners have to answer a close frame. */
const closeMsMax = 1000;

/**
 * Azure Relay's hybrid connections on 127.0.0.1, for tests and for running without Azure: listeners by WebSocket, senders by HTTP. It
 * keeps nothing: after a restart listeners connect again. Rejects when the port is taken.
 */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const context: EmulatorContext = {
    ...options,
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    log: options.log ?? silentLog,
    limits: { ...emulatorLimits, ...options.limits },
    switches: { ...emulatorSwitches, ...options.switches },
  };
  const { log, random, switches } = context;
  const rendezvous = createRendezvousDesk(context);
  const desk = createListenDesk(context, rendezvous);

  /** Any of the listeners: the service spreads requests over them at random. */
  const channelFor = (path: string): ControlChannel | undefined => {
    const open = desk.channels(path);
    return open[Math.floor(random() * open.length)];
  };

  const serve = (request: IncomingMessage, response: ServerResponse) => {
    serveSender(context, rendezvous, channelFor, request, response).catch((thrown: unknown) => {
      log({ level: 'error', message: `a request failed: ${describeThrown(thrown)}` });
      answerAsRelay(context, response, 500, 'InternalServerError', 'The emulator failed.');
    });
  };

  const server = createServer({ maxHeaderSize: headerBytesMax }, serve);
  server.on('upgrade', (request, socket, head) => desk.upgrade(request, socket, head));
  server.on('clientError', (_error, socket) => socket.destroy());
  const port = await listenOn(server, options.port);

  return {
    port,
    endpoint: `http://127.0.0.1:${port}`,
    switches,
    listeners: (path) => desk.channels(path).map((channel) => channel.listenerId),
    inject(path, message) {
      for (const channel of desk.channels(path)) channel.socket.send(message);
    },
    injectBytes(path, bytes) {
      for (const channel of desk.channels(path)) channel.connection.write(bytes);
    },
    async offerWebSocket(path) {
      const [channel] = desk.channels(path);
      return channel === undefined ? { type: 'unanswered' } : desk.offerWebSocket(channel, path);
    },
    dropListeners(path) {
      for (const channel of desk.channels(path)) channel.socket.terminate();
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of desk.sockets()) socket.close(closeCodes.goingAway, 'the emulator stops');
      server.closeAllConnections();
      const stopTimer = startTimer(context.clock, closeMsMax, () => {
        for (const socket of desk.sockets()) socket.terminate();
      });
      await closed;
      stopTimer();
    },
  };
}

/** The port that it got; rejects when it is taken. */
const listenOn = (server: Server, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
