import type { TLSSocket } from 'node:tls';

const label = 'EXPORTER-hyperferry-stream-v1';

export const streamTokenBytes = 32;

/**
 * What a further stream says first, so that the source knows which pull it belongs to: a secret of the TLS connection of that pull (its
 * exporter, RFC 8446, 7.5), which nobody but its two ends can tell. The context is the number of the stream (u32), from 1 on. Whoever sees it on
 * its way and is faster gets records that it cannot open; the destination is refused, and begins its connection anew.
 */
export function streamToken(socket: Pick<TLSSocket, 'exportKeyingMaterial'>, stream: number): Buffer {
  const context = Buffer.alloc(4);
  context.writeUInt32LE(stream);
  return socket.exportKeyingMaterial(streamTokenBytes, label, context);
}
