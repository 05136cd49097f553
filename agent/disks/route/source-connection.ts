import { connect, type ConnectionOptions } from 'node:tls';
import type { OnReadOpts } from 'node:net';
import type { Clock } from '../../clock';
import { peerCertificateSha256 } from './certificate-sha256';
import { FrameReader, type FrameSink } from './frame-reader';
import { fromSource } from './frames';
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

/**
 * Opens a connection to a source and makes sure that it is the one that is meant, by its certificate. Bytes that come in are put where they
 * belong when they are decrypted (`onread` of node:net), without the stream's own queue and buffers.
 */
export async function connectToSource(options: ConnectOptions): Promise<Connected> {
  const { peer, clientCertificate, sink, clock, pace, signal } = options;
  const reader = new FrameReader(fromSource, sink);
  const onread: OnReadOpts = {
    buffer: () => reader.space,
    callback: (bytes) => {
      wire.heard(bytes);
      return !wire.isPaused;
    },
  };
  const tls: ConnectionOptions & { onread: OnReadOpts } = {
    ...routeTls,
    ...clientCertificate,
    host: peer.address,
    port: peer.port,
    // Certificates sign themselves; which one it must be is checked below, before anything is said.
    rejectUnauthorized: false,
    onread,
  };
  const secured = new AbortController();
  const socket = connect(tls, () => secured.abort());
  const wire = new Wire({ socket, reader, clock, pace });
  const canceled = (): void => wire.end('canceled');
  signal.addEventListener('abort', canceled, { once: true });
  if (signal.aborted) canceled();
  void wire.ended.then(() => signal.removeEventListener('abort', canceled));
  await clock.sleep(pace.helloMsMax, AbortSignal.any([secured.signal, wire.signal]));
  if (!secured.signal.aborted) wire.end(`no connection after ${pace.helloMsMax} ms`);
  if (wire.signal.aborted) return { kind: 'lost', reason: await wire.ended };
  const shown = peerCertificateSha256(socket);
  if (shown === peer.certificateSha256) return { kind: 'connected', wire };
  wire.end('another certificate');
  return { kind: 'stranger', certificateSha256: shown };
}
