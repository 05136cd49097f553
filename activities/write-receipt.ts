import type { z } from 'zod';
import { failed, succeeded, type Outcome } from '../contracts/failure';
import type { Leftover } from '../contracts/facts';
import type { HostId } from '../contracts/ids';
import { destinationHostOf } from '../contracts/requests';
import type { Receipt, ReceiptBody } from '../contracts/receipt';
import { signReceipt } from '../relay/receipt-signature';
import type { App } from './app';
import type { writeReceipt as definition } from './definitions';
import { saveReceipt } from './storage/receipts';

type Asked = z.infer<(typeof definition)['input']>;

/**
 * Writes the receipt of a run. A host that cannot be asked for leftovers is a failure, so that the orchestrator tries again, until
 * `lastAttempt`: then the receipt says which host was not asked.
 */
export async function writeReceipt(app: App, asked: Asked): Promise<Outcome<{ leftovers: number }>> {
  const { request } = asked.input;
  const hosts = [...new Set([request.sourceHost, destinationHostOf(request)])];
  const found: Receipt['leftovers'] = [];
  const hostsNotAsked: string[] = [];
  for (const hostId of hosts) {
    const answer = await app.agents.leftovers(hostId, asked.input.runId);
    if (answer.ok) found.push(...answer.value.map((one) => ofHost(one, hostId)));
    else if (asked.lastAttempt) hostsNotAsked.push(hostId);
    else return failed(answer.failure);
  }
  const signed = signReceipt(app.signingKey, compose(asked, found, hostsNotAsked));
  const written = await saveReceipt(app.documents, signed);
  return written.ok ? succeeded({ leftovers: found.length }) : written;
}

const ofHost = (one: Leftover, hostId: HostId): Receipt['leftovers'][number] => ({ ...one, hostId });

function compose(asked: Asked, leftovers: Receipt['leftovers'], hostsNotAsked: string[]): ReceiptBody {
  const completed = asked.state === 'completed';
  return {
    schema: 1,
    id: asked.input.request.id,
    runId: asked.input.runId,
    state: asked.state,
    request: asked.input.request,
    startedAt: asked.startedAt,
    endedAt: asked.endedAt,
    phases: asked.phases,
    ...asked.told,
    verified: completed ? asked.told.verified : [],
    configurationChanges: completed ? asked.told.configurationChanges : [],
    leftovers,
    hostsNotAsked,
    failure: asked.failure,
  };
}
