import { z } from 'zod';
import { failed, succeeded, type Outcome } from '../contracts/failure';
import type { Leftover } from '../contracts/facts';
import type { HostId } from '../contracts/ids';
import { operations } from '../contracts/operations';
import { receipt, type Receipt } from '../contracts/receipt';
import type { App } from './app';
import type { writeReceipt as definition } from './definitions';
import { saveReceipt } from './storage/receipts';

type Asked = z.infer<(typeof definition)['input']>;

/**
 * Writes the receipt of a run. A host that cannot be asked for leftovers is a failure, so that the orchestrator tries again, until
 * `lastAttempt`: then the receipt says which host was not asked.
 */
export async function writeReceipt(app: App, asked: Asked): Promise<Outcome<{ leftovers: number }>> {
  const hosts = [...new Set([asked.input.request.sourceHost, asked.input.request.destinationHost])];
  const found: Receipt['leftovers'] = [];
  const hostsNotAsked: string[] = [];
  for (const hostId of hosts) {
    const answer = await app.agents.leftovers(hostId, asked.input.runId);
    if (answer.ok) found.push(...answer.value.map((one) => ofHost(one, hostId)));
    else if (asked.lastAttempt) hostsNotAsked.push(hostId);
    else return failed(answer.failure);
  }
  const written = await saveReceipt(app.documents, compose(asked, found, hostsNotAsked));
  return written.ok ? succeeded({ leftovers: found.length }) : written;
}

const ofHost = (one: Leftover, hostId: HostId): Receipt['leftovers'][number] => ({ ...one, hostId });

/** Outputs of phases that a receipt tells of. Kinds that have no such phase leave its part empty. */
const told = z.object({
  'copy-base': receipt.shape.files.catch([]),
  'copy-rest': receipt.shape.files.catch([]),
  verify: receipt.shape.verified.catch([]),
  import: operations['import-configuration'].output.catch({ changes: [] }),
  save: z.object({ savedAt: z.iso.datetime() }).nullable().catch(null),
  cutover: operations['start-vm'].output.nullable().catch(null),
});

function compose(asked: Asked, leftovers: Receipt['leftovers'], hostsNotAsked: string[]): Receipt {
  const outputs = told.parse(asked.outputs);
  const saved = outputs.save?.savedAt;
  const started = outputs.cutover?.startedAt;
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
    outageMs:
      saved === undefined || started === undefined ? null : Math.max(0, Date.parse(started) - Date.parse(saved)),
    files: [...outputs['copy-base'], ...outputs['copy-rest']],
    verified: completed ? outputs.verify : [],
    configurationChanges: completed ? outputs.import.changes : [],
    leftovers,
    hostsNotAsked,
    failure: asked.failure,
  };
}
