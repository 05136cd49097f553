import { createServer, type TLSSocket } from 'node:tls';
import { blockDigest } from '../digest';
import { FrameReader } from '../frame-reader';
import { dataFrameHeadBytes, encodeFrame, fromDestination, writeDataHead, type Frame } from '../frames';
import { routeTls } from '../tls';
import type { Hosts } from './hosts';
import { portOf } from '../server';

/** A data frame as a source would make it; `digest` is that of the bytes unless given. */
export function dataFrame(offsetBytes: number, bytes: Buffer, digest: Uint8Array = blockDigest(bytes)): Buffer {
  const frame = Buffer.alloc(dataFrameHeadBytes + bytes.length);
  writeDataHead(frame, 0, { offsetBytes, lengthBytes: bytes.length, digest });
  frame.set(bytes, dataFrameHeadBytes);
  return frame;
}

export type FakeConnection = {
  /** How many connections came before this one. */
  readonly number: number;
  readonly socket: TLSSocket;
  readonly say: (frame: Exclude<Frame, { kind: 'data' }>) => void;
};

/**
 * A source that does what a test tells it, frame by frame, and so may do what no honest source does. It shows the source host's
 * certificate, since a pull talks to no other.
 */
export async function startFakeSource(
  hosts: Hosts,
  onFrame: (frame: Frame, connection: FakeConnection) => void,
  onConnection: (connection: FakeConnection) => void = () => undefined,
): Promise<{ readonly port: number; readonly close: () => Promise<void>; readonly connections: () => number }> {
  const sockets = new Set<TLSSocket>();
  let connections = 0;
  const server = createServer({ ...routeTls, ...hosts.source, requestCert: true, rejectUnauthorized: false });
  server.on('secureConnection', (socket: TLSSocket) => {
    const connection: FakeConnection = {
      number: connections++,
      socket,
      say: (frame) => socket.write(encodeFrame(frame)),
    };
    const reader = new FrameReader(fromDestination, {
      takeBuffer: (bytes) => Buffer.alloc(bytes),
      dropBuffer: () => undefined,
      onFrame: (frame) => onFrame(frame, connection),
    });
    sockets.add(socket);
    socket.on('data', (chunk: Buffer) => void reader.push(chunk));
    socket.on('error', () => undefined);
    onConnection(connection);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: portOf(server.address()),
    connections: () => connections,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
