import { connect as connectTcp, type OnReadOpts, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Clock } from '../../clock';
import { Carrier } from './carrier';
import { peerCertificateSha256 } from './certificate-sha256';
import { FrameReader, type FrameSink } from './frame-reader';
import { contentFromSource, fromSource } from './frames';
import type { RoutePace } from './limits';
import { routeTls } from './tls';
import { Wire } from './wire';

export type SourcePeer = {
  readonly address: string;
  readonly port: number;
  /** Of the certificate that the source must show (SHA-256 of its DER form, hex). */
  readonly certificateSha256: string;
};

export type ConnectOptions = {
  readonly peer: SourcePeer;
  /** PEM. */
  readonly clientCertificate: { readonly key: string; readonly cert: string };
  readonly sink: FrameSink;
  readonly clock: Clock;
  readonly pace: RoutePace;
  readonly signal: AbortSignal;
};

export type Connected =
  | { readonly kind: 'connected'; readonly wire: Wire }
  | { readonly kind: 'lost'; readonly reason: string }
  /** Something else answers at that address. Nothing was said to it. */
  | { readonly kind: 'stranger'; readonly certificateSha256: string | undefined };

const tcpTo =
  ({ address, port }: SourcePeer) =>
  (onread: OnReadOpts): Socket => {
    const tcp: TcpNetConnectOpts = { host: address, port, onread };
    return connectTcp(tcp);
  };

/** Opens further streams of a connection, so that content comes over so many in all. One that cannot be opened is done without. */
export function openFurtherStreams(wire: Wire, peer: SourcePeer, streams: number): void {
  for (let stream = 1; stream < streams; stream++) wire.receiveOver(stream, tcpTo(peer));
}

/**
 * Opens a connection to a source and makes sure that it is the one that is meant, by its certificate. Bytes that come in are put into one
 * buffer that stays (`onread` of node:net), without the stream's own queue and buffers.
 */
export async function connectToSource(options: ConnectOptions): Promise<Connected> {
  const { peer, clientCertificate, sink, clock, pace, signal } = options;
  const carrier = new Carrier(tcpTo(peer));
  const secured = new AbortController();
  const socket = connectTls(
    {
      ...routeTls,
      ...clientCertificate,
      socket: carrier.tunnel,
      // Certificates sign themselves; which one it must be is checked below, before anything is said.
      rejectUnauthorized: false,
    },
    () => secured.abort(),
  );
  const reader = new FrameReader(fromSource, sink);
  const contentReader = new FrameReader(contentFromSource, sink);
  const wire = new Wire({ carrier, socket, reader, contentReader, clock, pace });
  const canceled = (): void => wire.end('canceled');
  signal.addEventListener('abort', canceled, { once: true });
  if (signal.aborted) canceled();
  void wire.ended.then(() => signal.removeEventListener('abort', canceled));
  await clock.sleep(pace.helloMsMax, AbortSignal.any([secured.signal, wire.signal]));
  if (!secured.signal.aborted) wire.end(`no connection after ${pace.helloMsMax} ms`);
  if (wire.signal.aborted) return { kind: 'lost', reason: await wire.ended };
  const shown = peerCertificateSha256(socket);
  if (shown === peer.certificateSha256) {
    wire.secured('comes');
    return { kind: 'connected', wire };
  }
  wire.end('another certificate');
  return { kind: 'stranger', certificateSha256: shown };
}
