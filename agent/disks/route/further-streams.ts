import type { Socket } from 'node:net';
import type { Clock } from '../../clock';
import { recordHead, recordHeadBytes, recordKinds } from './records';
import { streamTokenBytes } from './stream-tokens';

const joinHead = recordHead('join', streamTokenBytes);

/** The further streams that a source awaits, by what each says first. A token is good for one connection. */
export class AwaitedStreams {
  readonly #byToken = new Map<string, (socket: Socket) => void>();

  /** Whoever says this token gets `joined` called with its socket. Answers how to await it no more. */
  await(token: Buffer, joined: (socket: Socket) => void): () => void {
    const key = token.toString('hex');
    this.#byToken.set(key, joined);
    return () => void this.#byToken.delete(key);
  }

  take(token: Buffer): ((socket: Socket) => void) | undefined {
    const key = token.toString('hex');
    const joined = this.#byToken.get(key);
    this.#byToken.delete(key);
    return joined;
  }
}

export type Meeting = {
  readonly awaited: AwaitedStreams;
  readonly clock: Clock;
  /** For the first byte, and for a token. */
  readonly helloMsMax: number;
  /** It is known what it is, or it is gone. */
  readonly onKnown: () => void;
  /** It is a pull's own connection. It has said so much. */
  readonly onPull: (first: Buffer) => void;
};

/**
 * Finds out what a new connection is by its first byte. A further stream is given to the pull that awaits it; one with a token that nobody
 * awaits, one that says more than its token, and one that says nothing in time are closed.
 */
export function meet(socket: Socket, { awaited, clock, helloMsMax, onKnown, onPull }: Meeting): void {
  const known = new AbortController();
  let said = Buffer.alloc(0);
  const hear = (chunk: Buffer): void => {
    said = Buffer.concat([said, chunk]);
    const isStream = said[0] === recordKinds.join;
    if (isStream && said.length < joinHead.length + streamTokenBytes) return;
    socket.off('data', hear);
    known.abort();
    onKnown();
    if (!isStream) {
      onPull(said);
      return;
    }
    const isWhole =
      said.length === joinHead.length + streamTokenBytes && said.subarray(0, recordHeadBytes).equals(joinHead);
    const joined = isWhole ? awaited.take(said.subarray(recordHeadBytes)) : undefined;
    if (joined === undefined) socket.destroy();
    else joined(socket);
  };
  // Whoever it is given to hears of it too; an error that nobody hears would end the agent.
  socket.on('error', () => socket.destroy());
  socket.once('close', () => {
    known.abort();
    onKnown();
  });
  socket.on('data', hear);
  void clock.sleep(helloMsMax, known.signal).then(() => {
    if (!known.signal.aborted) socket.destroy();
  });
}
