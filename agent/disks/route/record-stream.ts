import type { OnReadOpts, Socket } from 'node:net';
import type { Outlet } from './outgoing-content';
import { RecordReader } from './record-reader';
import { recordHead } from './records';

/** Writes what stands in several pieces as one; `taken` is called once. */
export function writePieces(
  socket: Socket,
  pieces: readonly Uint8Array[],
  taken: (error?: Error | null) => void,
): void {
  socket.cork();
  pieces.forEach((piece, at) => void socket.write(piece, at === pieces.length - 1 ? taken : undefined));
  socket.uncork();
}

/** A stream of a pull beside its connection: carries sealed records, and nothing else. */
export type RecordStream = {
  readonly pause: () => void;
  readonly resume: () => void;
  readonly destroy: () => void;
};

export type StreamEvents = {
  /** Bytes came, whatever they are. */
  readonly onBytes: () => void;
  /** It is of no use any more. */
  readonly onEnded: (reason: string) => void;
};

const controlsOf = (socket: Socket): RecordStream => ({
  pause: () => void socket.pause(),
  resume: () => void socket.resume(),
  destroy: () => void socket.destroy(),
});

/** One that was never there leaves nothing out. */
function tellEnd(socket: Socket, onEnded: (reason: string) => void): void {
  let wasThere = !socket.connecting;
  socket.once('connect', () => {
    wasThere = true;
  });
  const ended = (reason: string): void => {
    if (wasThere) onEnded(reason);
  };
  socket.on('error', (error) => ended(error.message));
  socket.on('end', () => ended('it was ended'));
  socket.on('close', () => ended('it was closed'));
}

/** The source's end of one that has said its token. A destination says nothing more on it. */
export function outgoingStream(socket: Socket, onEnded: (reason: string) => void): RecordStream & Outlet {
  socket.setNoDelay(true);
  tellEnd(socket, onEnded);
  socket.on('data', () => onEnded('bytes came where none may'));
  return { ...controlsOf(socket), send: (pieces, taken) => writePieces(socket, pieces, taken) };
}

/** The destination's end: says the token, and takes sealed records. `onSealed` answers why one cannot be taken. */
export function incomingStream(
  open: (onread: OnReadOpts) => Socket,
  token: Uint8Array,
  { onBytes, onEnded, onSealed }: StreamEvents & { readonly onSealed: (body: Buffer) => string | undefined },
): RecordStream {
  const reader = new RecordReader({ onTls: () => undefined, onSealed });
  reader.takeOnlySealed();
  let isPaused = false;
  const socket = open({
    buffer: () => reader.space,
    callback: (bytes) => {
      const broken = reader.take(bytes);
      onBytes();
      if (broken !== undefined) onEnded(broken);
      return !isPaused;
    },
  });
  socket.setNoDelay(true);
  tellEnd(socket, onEnded);
  socket.write(Buffer.concat([recordHead('join', token.length), token]));
  const { destroy, pause, resume } = controlsOf(socket);
  return {
    destroy,
    pause: () => {
      isPaused = true;
      pause();
    },
    resume: () => {
      isPaused = false;
      resume();
    },
  };
}
