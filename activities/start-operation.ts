import { succeeded, type Outcome } from '../contracts/failure';
import { ticketLifetimeMs } from '../contracts/limits';
import { operations, type OperationKind, type OperationView } from '../contracts/operations';
import { signTicket } from '../relay/signing';
import type { App } from './app';
import type { StartOperationInput } from './definitions';
import { completeStaged } from './staging/complete';
import { readLedger } from './storage/ledger';

/**
 * Sends an operation to the agent of a host. A pull is given its peer, a ticket, and what the ledger holds of it; one
 * of the staged route its container and the key of its batch.
 */
export async function startOperation(
  app: App,
  kind: OperationKind,
  asked: StartOperationInput,
): Promise<Outcome<OperationView>> {
  const input = await completed(app, kind, asked);
  if (!input.ok) return input;
  const { runId, epoch } = asked;
  return app.agents.startOperation(asked.host, asked.operationId, {
    contract: 1,
    runId,
    epoch,
    kind,
    input: input.value,
  });
}

/** What an orchestration asks for, with what does not belong into its history. */
async function completed(app: App, kind: OperationKind, asked: StartOperationInput): Promise<Outcome<unknown>> {
  switch (kind) {
    case 'pull':
      return completePull(app, asked);
    case 'stage':
    case 'pull-staged':
      return completeStaged(app, kind, asked);
    default:
      return succeeded(asked.input);
  }
}

const askedPull = operations.pull.input.omit({ peer: true, ledgerWatermarkBytes: true });

async function completePull(app: App, asked: StartOperationInput): Promise<Outcome<unknown>> {
  const pull = askedPull.parse(asked.input);
  if (asked.pullFrom === undefined || asked.ledgerName === undefined)
    throw new Error('a pull names its source and its ledger');
  const [source, destination] = await Promise.all([app.agents.host(asked.pullFrom), app.agents.host(asked.host)]);
  if (!source.ok) return source;
  if (!destination.ok) return destination;
  const ledger = await readLedger(app.documents, asked.runId, asked.ledgerName);
  if (!ledger.ok) return ledger;
  const ticket = signTicket(app.signingKey, {
    contract: 1,
    runId: asked.runId,
    vmId: pull.vmId,
    subject: pull.subject,
    sourceHost: asked.pullFrom,
    destinationHost: asked.host,
    destinationCertificateSha256: destination.value.clientCertificateSha256,
    expiresAtMs: app.now().getTime() + ticketLifetimeMs,
  });
  const peer = { hostId: asked.pullFrom, ...source.value.byteRoute, ticket };
  return succeeded({ ...pull, peer, ledgerWatermarkBytes: ledger.value?.watermarkBytes ?? null });
}
