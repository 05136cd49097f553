import { z } from 'zod';
import { hostId, runId, vmId } from './ids';
import { pullSubject } from './operations';

/** What a ticket of the byte route entitles to: one peer, one run, one file, until a time. The app signs it (relay/signing.ts). */
export const ticketClaims = z.object({
  contract: z.literal(1),
  runId,
  vmId,
  subject: pullSubject,
  sourceHost: hostId,
  destinationHost: hostId,
  /** The certificate that the destination must show as a TLS client (SHA-256, hex). */
  destinationCertificateSha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Last moment at which a connection may be opened with it, in milliseconds since 1970. */
  expiresAtMs: z.int().positive(),
});
export type TicketClaims = z.infer<typeof ticketClaims>;
