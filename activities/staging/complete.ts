import { failed, failureOf, succeeded, type Outcome } from '../../contracts/failure';
import type { HostId, OperationId, RunId } from '../../contracts/ids';
import { stagingAccessMs } from '../../contracts/limits';
import { operations, type OperationProgress } from '../../contracts/operations';
import { sealKey, stagingContext } from '../../relay/sealed-key';
import type { App } from '../app';
import type { StartOperationInput } from '../definitions';
import { readLedger } from '../storage/ledger';
import type { StagingSide } from './containers';
import { holdStaging } from './hold';

type StagedKind = 'stage' | 'pull-staged';
const sideOf = (kind: StagedKind): StagingSide => (kind === 'stage' ? 'source' : 'destination');

const madeHere = { staging: true, ledgerWatermarkBytes: true } as const;
const askedInputs = {
  stage: operations.stage.input.omit(madeHere),
  'pull-staged': operations['pull-staged'].input.omit(madeHere),
};

/** The input of an operation of the staged route, with access to the container of its batch and the batch's key, sealed to the agent. */
export async function completeStaged(
  app: App,
  kind: StagedKind,
  asked: StartOperationInput,
): Promise<Outcome<unknown>> {
  const input = askedInputs[kind].parse(asked.input);
  const [host, ledger] = await Promise.all([
    app.agents.host(asked.host),
    readLedger(app.documents, asked.runId, input.name),
  ]);
  if (!host.ok) return host;
  if (!ledger.ok) return ledger;
  const held = await holdStaging(app, asked.runId);
  if (!held.ok) return held;
  const { sealingKey } = host.value;
  const context = stagingContext(asked.runId, asked.host);
  const sealedKey = sealingKey === undefined ? undefined : sealKey(sealingKey, held.value.batchKey, context);
  if (sealedKey === undefined) return failed(tooOld(asked.host));
  const access = await app.staging.accessTo(held.value.container, sideOf(kind), app.now());
  if (!access.ok) return access;
  const staging = { access: access.value, sealedKey };
  return succeeded({ ...input, staging, ledgerWatermarkBytes: ledger.value?.watermarkBytes ?? null });
}

const tooOld = (host: HostId) =>
  failureOf('DriverLacksOperation', {
    message: `The agent of ${host} says no key to which that of a batch could be sealed.`,
    subject: { host },
    remedy: 'Update the agent, or use the direct route.',
  });

/**
 * Gives an operation under way new access once half of what it has is over. What goes wrong is left to the next look: an agent without access
 * waits for it.
 */
export async function renewAccess(
  app: App,
  run: RunId,
  { host, operationId, kind }: { readonly host: HostId; readonly operationId: OperationId; readonly kind: string },
  progress: OperationProgress,
): Promise<void> {
  if (kind !== 'stage' && kind !== 'pull-staged') return;
  const endsAtMs = progress.accessEndsAtMs;
  if (endsAtMs === undefined || endsAtMs - app.now().getTime() > stagingAccessMs / 2) return;
  const held = await holdStaging(app, run);
  if (!held.ok) return;
  const access = await app.staging.accessTo(held.value.container, sideOf(kind), app.now());
  if (access.ok) await app.agents.renewStagingAccess(host, operationId, access.value);
}
