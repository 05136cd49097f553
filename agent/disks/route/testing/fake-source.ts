import { createServer, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { Carrier } from '../carrier';
import { contentKeys } from '../content-keys';
import { blockDigest } from '../digest';
import { FrameReader } from '../frame-reader';
import {
  contentFromSource,
  dataFrameHeadBytes,
  encodeFrame,
  frameKinds,
  fromDestination,
  writeDataHead,
  type Frame,
  type PlainFrame,
} from '../frames';
import { OutgoingContent } from '../outgoing-content';
import { Sealer } from '../sealing';
import { portOf } from '../server';
import { routeTls } from '../tls';
import type { Hosts } from './hosts';

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
  /** What is below TLS. */
  readonly tcp: Socket;
  readonly tls: TLSSocket;
  /** Over TLS or sealed, as the frame wants it. */
  readonly say: (frame: PlainFrame) => void;
  /** Seals bytes of content frames. */
  readonly send: (bytes: Uint8Array) => void;
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
  const sockets = new Set<Socket>();
  let connections = 0;
  const secureContext = createSecureContext({ ...routeTls, ...hosts.source });
  const server = createServer((tcp) => {
    sockets.add(tcp);
    const carrier = new Carrier(() => tcp);
    tcp.on('data', (chunk) => carrier.push(chunk));
    const tls = new TLSSocket(carrier.tunnel, {
      secureContext,
      isServer: true,
      requestCert: true,
      rejectUnauthorized: false,
    });
    tls.on('error', () => undefined);
    tls.once('secure', () => {
      const content = new OutgoingContent(new Sealer(contentKeys(tls)), carrier);
      const send = (bytes: Uint8Array): void => void content.send([bytes]);
      const isContent = (frame: PlainFrame): boolean => contentFromSource.has(frameKinds[frame.kind]);
      const connection: FakeConnection = {
        number: connections++,
        tcp,
        tls,
        say: (frame) => (isContent(frame) ? send(encodeFrame(frame)) : void tls.write(encodeFrame(frame))),
        send,
      };
      const reader = new FrameReader(fromDestination, {
        takeBuffer: (bytes) => Buffer.alloc(bytes),
        releaseBuffer: () => undefined,
        onFrame: (frame) => onFrame(frame, connection),
      });
      tls.on('data', (chunk: Buffer) => void reader.push(chunk));
      onConnection(connection);
    });
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
