import { describeThrown } from '../contracts/failure';
import { pause } from './clock';
import { createAttempts, type NotConnected } from './listener-attempts';
import { openChannel, type Channel } from './listener-channel';
import { createExchanges, type Exchanges } from './listener-exchanges';
import { listenerLimits, type ListenerContext, type ListenerOptions } from './listener-options';
import { createRendezvous, type Rendezvous } from './listener-rendezvous';

export type ListenerState =
  | { readonly name: 'connecting' }
  | { readonly name: 'connected'; readonly sinceMs: number }
  /** Not connected, and why; tried again at `untilMs`. */
  | { readonly name: 'waiting'; readonly reason: string; readonly untilMs: number }
  | { readonly name: 'closed' };

export type Listener = {
  state(): ListenerState;
  /** Calls back on every change from now on; the function that it returns ends that. */
  onState(callback: (state: ListenerState) => void): () => void;
  /** Refuses new requests, finishes those under way, closes the sockets. */
  close(): Promise<void>;
};

/**
 * Listens on a hybrid connection of Azure Relay and answers its HTTP requests with `handler`, until `close`. Connects in the background
 * and again after every loss; what went wrong is in `state()` and in the log. One bad message, request or handler never stops it.
 */
export function startListener(options: ListenerOptions): Listener {
  const context: ListenerContext = { ...options, limits: { ...listenerLimits, ...options.limits } };
  const exchanges = createExchanges(context);
  const rendezvous = createRendezvous(context, exchanges);
  const states = createStates(context);
  const connection = keepConnected(context, exchanges, rendezvous, states);
  let closing: Promise<void> | undefined;

  async function close(): Promise<void> {
    await exchanges.drain(context.limits.drainMsMax);
    await connection.close();
    // What came while the channel was closing.
    await exchanges.drain(context.limits.drainMsMax);
    await rendezvous.close();
    states.enter({ name: 'closed' });
  }

  return {
    state: () => states.now(),
    onState: (callback) => states.onState(callback),
    close: () => (closing ??= close()),
  };
}

/** Opens one control channel after another until it is closed. */
function keepConnected(context: ListenerContext, exchanges: Exchanges, rendezvous: Rendezvous, states: States) {
  const { clock, log, path } = context;
  const attempts = createAttempts(context);
  const stopping = new AbortController();
  const stopped = () => stopping.signal.aborted;
  let current: Channel | undefined;

  async function connect(): Promise<{ type: 'open'; channel: Channel } | NotConnected> {
    if (current === undefined) states.enter({ name: 'connecting' });
    const given = await attempts.token();
    if (!('token' in given)) return given;
    return openChannel(context, exchanges, rendezvous, given.token, stopping.signal);
  }

  function announceConnected(): void {
    attempts.connected();
    // A silent channel that was replaced in time is no news.
    if (states.now().name === 'connected') return;
    log({ level: 'info', message: `listening on the hybrid connection ${path}` });
    states.enter({ name: 'connected', sinceMs: clock.now() });
  }

  /** Serves until the channel is lost. One that fell silent stays open until the next is, so that no request falls between them. */
  async function connectAndServe(): Promise<NotConnected> {
    for (;;) {
      const opened = await connect();
      if (opened.type !== 'open') return opened;
      const replaced = current;
      current = opened.channel;
      void replaced?.close();
      if (stopped()) await current.close();
      else announceConnected();
      const end = await current.ended;
      if (end.type === 'silent') continue;
      current = undefined;
      return end;
    }
  }

  async function run(): Promise<void> {
    while (!stopped()) {
      const cause = await connectAndServe();
      if (stopped()) return;
      const { delayMs, reason } = attempts.after(cause);
      states.enter({ name: 'waiting', reason, untilMs: clock.now() + delayMs });
      await pause(clock, delayMs, stopping.signal);
    }
  }

  const running = run();
  return {
    async close() {
      stopping.abort();
      await current?.close();
      await running;
    },
  };
}

type States = ReturnType<typeof createStates>;

function createStates({ log }: ListenerContext) {
  const callbacks = new Set<(state: ListenerState) => void>();
  let state: ListenerState = { name: 'connecting' };
  return {
    now: () => state,
    enter(next: ListenerState) {
      state = next;
      for (const callback of callbacks) {
        try {
          callback(next);
        } catch (thrown) {
          log({ level: 'error', message: `a callback of the listener's state threw: ${describeThrown(thrown)}` });
        }
      }
    },
    onState(callback: (state: ListenerState) => void) {
      callbacks.add(callback);
      return () => void callbacks.delete(callback);
    },
  };
}
