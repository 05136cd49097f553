import type { TLSSocket } from 'node:tls';
import { sha256Hex } from '../../../relay/signing';

/** SHA-256 (hex) of the certificate (DER) that the peer showed in the handshake, whose key it proved to hold; undefined if it showed none. */
export function peerCertificateSha256(socket: TLSSocket): string | undefined {
  const certificate = socket.getPeerX509Certificate();
  return certificate === undefined ? undefined : sha256Hex(certificate.raw);
}
