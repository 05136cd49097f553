import type { RawData, WebSocket } from 'ws';
import { describeThrown } from '../contracts/failure';

type Reader<Frame extends { readonly hasBody: boolean }> = {
  readonly read: (text: string) => Frame;
  readonly deliver: (frame: Frame, body: Buffer) => void;
  /** Told of what the protocol does not allow; the socket goes on. */
  readonly complain: (reason: string) => void;
};

const asBuffer = (data: RawData): Buffer => {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
};

const noBody = Buffer.alloc(0);

/**
 * Reads the messages of a relay socket: text frames, each with the binary message that it announces. A bad message is complained of and
 * left out; whatever `read` or `deliver` throw ends here, since an exception in a socket's event would end the process.
 */
export function readMessagePairs<Frame extends { readonly hasBody: boolean }>(
  socket: WebSocket,
  { read, deliver, complain }: Reader<Frame>,
): void {
  let awaitingBody: Frame | undefined;

  const take = (data: RawData, binary: boolean) => {
    if (binary) {
      const frame = awaitingBody;
      awaitingBody = undefined;
      if (frame === undefined) complain('a binary message that no frame announced');
      else deliver(frame, asBuffer(data));
      return;
    }
    if (awaitingBody !== undefined) complain('a frame came where the body of the one before it was due');
    const frame = read(asBuffer(data).toString('utf8'));
    awaitingBody = frame.hasBody ? frame : undefined;
    if (!frame.hasBody) deliver(frame, noBody);
  };

  socket.on('message', (data, binary) => {
    try {
      take(data, binary);
    } catch (thrown) {
      complain(`a message could not be handled: ${describeThrown(thrown)}`);
    }
  });
}

export type PairSender = {
  /** Sends a frame and the body it announces with nothing in between. Rejects when the socket does not take them. */
  send(frame: Readonly<Record<string, unknown>>, body?: Uint8Array): Promise<void>;
};

/** A mutex around the sending half of a relay socket: pairs leave whole and in order, and a slow peer holds senders back. */
export function pairSender(socket: WebSocket): PairSender {
  let last = Promise.resolve();

  const sendMessage = (data: string | Uint8Array) =>
    new Promise<void>((resolve, reject) =>
      socket.send(data, (error) => {
        if (error) reject(error);
        else resolve();
      }),
    );

  const sendPair = async (frame: Readonly<Record<string, unknown>>, body?: Uint8Array) => {
    await sendMessage(JSON.stringify(frame));
    if (body !== undefined) await sendMessage(body);
  };

  return {
    send(frame, body) {
      const sent = last.then(() => sendPair(frame, body));
      last = sent.catch(() => undefined);
      return sent;
    },
  };
}
