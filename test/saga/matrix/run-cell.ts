import type { RunReport } from '../../../contracts/migration';
import { OneRun } from '../run-one';
import type { Fault, Plan } from '../world';
import { askingPhases, type Cell } from './cells';

/** What a cell was found to be: empty when it is as it must be. */
export type Finding = string;

/** Carries a cell out on the real replay engine; answers what was wrong, or nothing. */
export async function runCell(cell: Cell): Promise<Finding> {
  const { phase, column } = cell;
  switch (column) {
    case 'refused':
      return refused(cell);
    case 'reply lost':
      return passing(cell, { phase, action: 'do', fault: 'reply lost' });
    case 'thrown':
      return passing(cell, { phase, action: 'do', fault: 'threw' });
    case 'killed before':
      return passing(cell, { phase, action: 'do', fault: 'killed before' });
    case 'killed after':
      return passing(cell, { phase, action: 'do', fault: 'killed after' });
    case 'do repeated':
      return passing(cell, { phase, action: 'do', fault: 'done and failed' });
    case 'undo repeated':
      return unwinding(cell, 'done and failed');
    case 'undo fails once':
      return unwinding(cell, 'failed once');
    case 'undo fails for good':
      return undoFails(cell, 'retry');
    case 'answered skip':
      return undoFails(cell, 'skip');
    case 'answered retry':
      return cell.place === 'before' ? undoFails(cell, 'retry') : parked(cell, 'retry');
    case 'answered accept':
      return parked(cell, 'accept');
    case 'cancel':
      return canceled(cell);
  }
}

const mib = 1024 ** 2;

/** A run of the cell's kind in which every phase has something to do: a warm one catches up after its approval, an import has fix-ups. */
function runOf(cell: Cell, plans: readonly Plan[]): OneRun {
  const run = new OneRun(plans, 1, cell.kind, cell.policy, cell.more);
  run.world.changedBytes = [mib, 9000 * mib, mib];
  run.world.fixUps = [{ what: 'switch', from: 'LAN', to: 'not connected' }];
  return run;
}

async function begun(cell: Cell, plans: readonly Plan[]): Promise<OneRun> {
  const run = runOf(cell, plans);
  await run.begin();
  return run;
}

const wantsApproval = (run: OneRun): boolean => run.report.question?.failure.code === 'ApprovalWanted';

/** Until the run has ended or asks something else than its approval. */
async function onward(run: OneRun): Promise<RunReport> {
  const report = await run.onward();
  return wantsApproval(run) ? run.answer('accept') : report;
}

/** Something passing: the run completes. */
async function passing(cell: Cell, plan: Plan): Promise<Finding> {
  const run = await begun(cell, [plan]);
  return completed(run, await onward(run)) + unused(run);
}

/** A refusal: before the pivot, and at it, the run unwinds; after it, it parks and goes on when it is answered. */
async function refused(cell: Cell): Promise<Finding> {
  const run = await begun(cell, [{ phase: cell.phase, action: 'do', fault: 'refused', always: true }]);
  const report = await onward(run);
  if (cell.place !== 'after') return takenBack(run, report);
  if (report.state !== 'parked') return `the run is ${report.state}, not parked`;
  run.agents.plans = [];
  return completed(run, await run.answer('retry'));
}

const untilUndo = (cell: Cell): Plan => ({ phase: cell.pivot, action: 'do', fault: 'refused', always: true });

async function unwinding(cell: Cell, fault: Fault): Promise<Finding> {
  const run = await begun(cell, [untilUndo(cell), { phase: cell.phase, action: 'undo', fault }]);
  return takenBack(run, await onward(run)) + unused(run, 1);
}

async function undoFails(cell: Cell, answer: 'retry' | 'skip'): Promise<Finding> {
  const run = await begun(cell, [
    untilUndo(cell),
    { phase: cell.phase, action: 'undo', fault: 'refused', always: true },
  ]);
  const report = await onward(run);
  if (report.state !== 'parked') return `the run is ${report.state}, not parked at its undo`;
  if (report.question?.answers.join() !== 'retry,skip')
    return `it takes ${report.question?.answers.join() ?? 'nothing'}`;
  if (answer === 'retry') run.agents.plans = [];
  const end = await run.answer(answer);
  if (answer === 'retry') return takenBack(run, end);
  // What was skipped is left to a person, who may have to unblock the undos before it.
  run.agents.plans = [];
  return run.ended || end.state === 'parked' ? violations(run) : `after a skip the run is ${end.state}`;
}

/** A phase from the pivot on of which nobody knows how it ended. */
async function parked(cell: Cell, answer: 'retry' | 'accept'): Promise<Finding> {
  const run = await begun(cell, [{ phase: cell.phase, action: 'do', fault: 'failed after effect', always: true }]);
  const report = await onward(run);
  if (report.state !== 'parked') return `the run is ${report.state}, not parked`;
  if (report.question?.answers.join() !== 'retry,accept')
    return `it takes ${report.question?.answers.join() ?? 'nothing'}`;
  if (report.cancelable) return 'it says that it can be canceled';
  run.agents.plans = [];
  const end = await run.answer(answer);
  if (answer === 'retry' || end.state !== 'completed') return completed(run, end);
  // What was accepted may be half done: that is what the person saw and took.
  return violations(run) + (run.world.runsThere ? '' : 'the VM does not run where it should');
}

/** A cancel while the phase is under way: it counts before the pivot, and inside one that can be stopped. */
async function canceled(cell: Cell): Promise<Finding> {
  const counts = cell.place === 'before' || (cell.place === 'pivot' && cell.cancelable);
  const run = runOf(cell, []);
  run.agents.slow = { phase: cell.phase, looks: counts ? 1000 : 12 };
  await run.begin();
  await run.engine.settle();
  for (let second = 0; second < 120 && run.report.phase !== cell.phase; second += 1) {
    await run.engine.advance(1000);
    if (wantsApproval(run) && !askingPhases.includes(cell.phase))
      await run.send({ command: 'answer', questionId: run.report.question?.questionId, answer: 'accept' });
  }
  if (run.report.phase !== cell.phase) return 'the phase was not reached';
  await run.send({ command: 'cancel', reason: 'test' });
  if (!counts) return completed(run, await onward(run));
  await run.engine.advance(30_000);
  return takenBack(run, run.report);
}

function completed(run: OneRun, report: RunReport): Finding {
  if (report.state !== 'completed') return `the run is ${report.state} at ${report.phase ?? 'no phase'}, not completed`;
  const arrived = run.world.arrived ? '' : `the world is ${JSON.stringify([run.world.source, run.world.destination])}`;
  return violations(run) + arrived;
}

function takenBack(run: OneRun, report: RunReport): Finding {
  if (report.state !== 'rolled-back' && report.state !== 'rejected')
    return `the run is ${report.state} at ${report.phase ?? 'no phase'}, not taken back`;
  const left = run.world.untouched
    ? ''
    : `something is left: ${JSON.stringify([run.world.source, run.world.destination])}`;
  return violations(run) + left;
}

const violations = (run: OneRun): Finding => run.world.violations.join('; ');

/** A fault that nothing met proves nothing. `standing` are those that stay for the whole run. */
const unused = (run: OneRun, standing = 0): Finding =>
  run.agents.plans.length === standing ? '' : 'the fault met nothing';
