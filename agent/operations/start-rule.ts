import { describeThrown, failed, type Failure, type Outcome } from '../../contracts/failure';
import { failureOfIo } from '../files';
import type { StartMarks } from './start-marks';
import { vmOf, type Operation } from './task';

/**
 * Carries out a `start-vm` under its mark, which is durable before `start` is called.
 *
 * The mark is taken back in one case alone: the driver says that this attempt had no effect (not enough memory, say), and no attempt of
 * the run came before it. Then the run may still unwind, and its placeholder can be removed. Where an earlier attempt may have
 * started the VM, no later one can say that nothing happened: its failure gets the effect `unknown`. Nor can one that was stopped.
 */
export async function startUnderMark(
  marks: StartMarks,
  operation: Operation,
  start: () => Promise<Outcome<unknown>>,
): Promise<Outcome<unknown>> {
  const { runId, operationId } = operation;
  const vm = vmOf(operation);
  let mark: 'made' | 'there';
  try {
    mark = await marks.make(runId, vm, operationId);
  } catch (thrown) {
    const withdrawn = await withdraw(marks, operation);
    const effect = withdrawn.ok ? 'none' : 'unknown';
    return failed(failureOfIo(thrown, 'the start could not be recorded, so it was not tried', effect));
  }
  const outcome = await start();
  if (outcome.ok || outcome.failure.effect !== 'none') return outcome;
  const doubt = doubtOf(mark, outcome.failure);
  const withdrawn = doubt === undefined ? await withdraw(marks, operation) : { ok: false, reason: doubt };
  if (withdrawn.ok) return outcome;
  const { message, ...rest } = outcome.failure;
  return failed({ ...rest, effect: 'unknown', message: `${message} (${withdrawn.reason})`.slice(0, 1000) });
}

function doubtOf(mark: 'made' | 'there', { code }: Failure): string | undefined {
  if (mark === 'there') return 'an earlier attempt of this run may have started the VM';
  return code === 'CanceledByOperator' ? 'the start was under way when it was stopped' : undefined;
}

type Withdrawn = { readonly ok: true; readonly reason: '' } | { readonly ok: false; readonly reason: string };

async function withdraw(marks: StartMarks, operation: Operation): Promise<Withdrawn> {
  try {
    await marks.withdraw(operation.runId, vmOf(operation));
    return { ok: true, reason: '' };
  } catch (thrown) {
    return { ok: false, reason: `the mark of the start could not be taken back: ${describeThrown(thrown)}` };
  }
}
