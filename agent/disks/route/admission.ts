import type { KeyObject } from 'node:crypto';
import { failed, failureOf, succeeded, type Outcome } from '../../../contracts/failure';
import type { HostId } from '../../../contracts/ids';
import type { TicketClaims } from '../../../contracts/ticket';
import { verifyTicket } from '../../../relay/signing';
import type { OpenMessage } from './messages';

export type AdmissionRules = {
  /** Public keys of apps that may issue tickets: more than one while a key is being replaced. */
  readonly appPublicKeys: readonly KeyObject[];
  readonly hostId: HostId;
  readonly nowMs: number;
};

/**
 * Decides whether a peer may have what its ticket says. `TicketInvalid`: not signed by the app, for another run, source host or
 * destination. `TicketExpired`: too late to open a connection with it.
 */
export function admit(
  open: OpenMessage,
  peerCertificateSha256: string,
  { appPublicKeys, hostId, nowMs }: AdmissionRules,
): Outcome<TicketClaims> {
  const verdicts = appPublicKeys.map((key) => verifyTicket(key, open.ticket));
  const genuine = verdicts.find((verdict) => verdict.ok);
  if (genuine === undefined) {
    const reason = verdicts.find((verdict) => !verdict.ok)?.reason ?? 'this agent knows no key of an app';
    return failed(failureOf('TicketInvalid', { message: `the ticket is not good: ${reason}` }));
  }
  const { claims } = genuine;
  const wrong = (message: string): Outcome<TicketClaims> => failed(failureOf('TicketInvalid', { message }));
  if (claims.sourceHost !== hostId)
    return wrong(`the ticket is for source host ${claims.sourceHost}, this is ${hostId}`);
  if (claims.runId !== open.runId) return wrong(`the ticket is for run ${claims.runId}, not for ${open.runId}`);
  if (claims.destinationCertificateSha256 !== peerCertificateSha256)
    return wrong(`the ticket is for destination host ${claims.destinationHost}, which shows another certificate`);
  if (claims.expiresAtMs < nowMs) {
    const message = `the ticket could be used until ${new Date(claims.expiresAtMs).toISOString()}`;
    return failed(failureOf('TicketExpired', { message, effect: 'none' }));
  }
  return succeeded(claims);
}
