import { createSecretKey } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { contentKeyBytes, type ContentKeys } from './sealing';

const label = 'EXPORTER-hyperferry-content-v1';

/**
 * The keys of what a source sends over a TLS connection, by the exporter of TLS 1.3 (RFC 8446, 7.5): the two ends of this connection have
 * the same, and no other connection ever had or will have them. The context of a key is its generation (u32).
 */
export const contentKeys =
  (socket: Pick<TLSSocket, 'exportKeyingMaterial'>): ContentKeys =>
  (generation) => {
    const context = Buffer.alloc(4);
    context.writeUInt32LE(generation);
    // As a `KeyObject`: bytes would be made into one for each record, at the price of a whole piece.
    return createSecretKey(socket.exportKeyingMaterial(contentKeyBytes, label, context));
  };
