import { z } from 'zod';
import { told } from '../../contracts/receipt';
import type { OperationKind } from '../../contracts/operations';
import { OneRun } from './run-one';
import type { Fault, Plan } from './world';

const mib = 1024 ** 2;
const warmRun = (policy: object = {}, plans: readonly Plan[] = []): OneRun => new OneRun(plans, 1, 'warm', policy);

/** A guest that has this much to send at each look, the last of them for ever. */
async function runWith(changedBytes: number[], policy: object = {}, plans: readonly Plan[] = []): Promise<OneRun> {
  const run = warmRun(policy, plans);
  run.world.changedBytes = changedBytes;
  await run.begin();
  await run.onward();
  expect(run.world.violations).toEqual([]);
  return run;
}

const toldBy = (run: OneRun): z.infer<typeof told> => z.object({ told }).parse(run.receipts[0]).told;

test('rounds go on until what is left fits the outage, and the receipt tells each of them', async () => {
  const run = await runWith([9000 * mib, 5000 * mib, 1 * mib]);
  expect(run.report.state).toBe('completed');
  const { rounds, predictedOutageMs, verified } = toldBy(run);
  expect(rounds.map(({ round }) => round)).toEqual([0, 1, 2]);
  expect(predictedOutageMs).toBeLessThan(60_000);
  expect(verified).toHaveLength(1);
  expect(run.world.done.filter((kind) => kind === 'begin-round')).toHaveLength(4);
});

describe('a first pass whose time goes by comparing with a seed', () => {
  async function seeded(ofLine?: { bytes: number; ms: number }): Promise<OneRun> {
    const run = warmRun();
    run.world.changedBytes = [500 * mib];
    run.world.pulled = { dataBytes: 4 * mib, sentBytes: 4 * mib, seedBytes: 9000 * mib, ...(ofLine && { ofLine }) };
    run.agents.looksUntilDone.set('pull', 100);
    await run.begin();
    await run.onward();
    return run;
  }

  test('does not make the outage look longer than its line says, and the run cuts over by itself', async () => {
    const run = await seeded({ bytes: 3 * mib, ms: 30 });
    expect(run.report.state).toBe('completed');
    const { rounds, predictedOutageMs } = toldBy(run);
    expect(rounds).toMatchObject([{ round: 0, ofLine: { bytes: 3 * mib, ms: 30 } }]);
    expect(predictedOutageMs).toBeGreaterThan(5000);
    expect(predictedOutageMs).toBeLessThan(20_000);
  });

  test('is no reason to promise a short one where nothing tells of the line', async () => {
    const run = await seeded();
    expect(run.report.question?.failure.code).toBe('LagNotShrinking');
  });
});

describe('a guest that writes as fast as it is copied', () => {
  test('makes the run ask, and go on to the cutover when that is accepted', async () => {
    const run = await runWith([9000 * mib]);
    expect(run.report.question).toMatchObject({ answers: ['accept', 'retry'], failure: { code: 'LagNotShrinking' } });
    expect((await run.answer('accept')).state).toBe('completed');
    expect(toldBy(run).predictedOutageMs).toBeGreaterThan(60_000);
  });

  test('is copied for more rounds when the answer is retry, and asked about again', async () => {
    const run = await runWith([9000 * mib]);
    const before = run.world.done.filter((kind) => kind === 'begin-round').length;
    const report = await run.answer('retry');
    expect(report.question?.failure.code).toBe('LagNotShrinking');
    expect(run.world.done.filter((kind) => kind === 'begin-round').length).toBeGreaterThan(before);
    await run.send({ command: 'cancel', reason: 'test' });
    expect((await run.onward()).state).toBe('rolled-back');
    expect(run.world.untouched).toBe(true);
  });

  test('is copied for more rounds also by a new generation of the run that began them', async () => {
    const run = await runWith([9000 * mib]);
    run.agents.looksUntilDone.set('pull', 150);
    const report = await run.answer('retry');
    expect(report).toMatchObject({ state: 'parked', question: { failure: { code: 'LagNotShrinking' } } });
  });

  test('is cut over all the same where the policy says so', async () => {
    expect((await runWith([9000 * mib], { ifNotShrinking: 'cut-over' })).report.state).toBe('completed');
  });

  test('makes the run give up where the policy says so, and nothing is left', async () => {
    const run = await runWith([9000 * mib], { ifNotShrinking: 'give-up' });
    expect(run.report).toMatchObject({ state: 'rolled-back', failure: { code: 'LagNotShrinking' } });
    expect(run.world.untouched).toBe(true);
  });
});

const rounds = (run: OneRun, of: OperationKind): number[] =>
  run.agents.inputs
    .filter(({ kind }) => kind === of)
    .map(({ input }) => z.object({ round: z.int() }).parse(input).round);

test('a round whose end is not known to be told is ended again and not copied again', async () => {
  const run = await runWith([9000 * mib, 0], {}, [{ kind: 'end-round', fault: 'done and failed' }]);
  expect(run.report.state).toBe('completed');
  expect(rounds(run, 'begin-round')).toEqual([0, 1, 2]);
  expect(rounds(run, 'end-round')).toEqual([0, 0, 1]);
});

test('a round that has begun is copied and ended before the cutover, though what is left fits by then', async () => {
  const run = await runWith([9000 * mib, 0], {}, [
    { kind: 'begin-round', fault: 'reply lost' },
    { kind: 'begin-round', fault: 'done and failed' },
  ]);
  expect(run.report.state).toBe('completed');
  expect(rounds(run, 'begin-round').slice(-3)).toEqual([1, 1, 2]);
  expect(rounds(run, 'end-round')).toEqual([0, 1]);
});

test('an approval that is wanted is waited for, and what changed meanwhile is copied before the cutover', async () => {
  const run = await runWith([1 * mib, 9000 * mib, 1 * mib], { approve: true });
  expect(run.report.question).toMatchObject({ answers: ['accept'], failure: { code: 'ApprovalWanted' } });
  expect(run.world.source.state).toBe('running');
  expect((await run.answer('accept')).state).toBe('completed');
  expect(toldBy(run).rounds.map(({ round }) => round)).toEqual([0, 1]);
});

test('a run that is canceled instead of approved leaves nothing', async () => {
  const run = await runWith([0], { approve: true });
  await run.send({ command: 'cancel', reason: 'not tonight' });
  expect((await run.onward()).state).toBe('rolled-back');
  expect(run.world.untouched).toBe(true);
});

test.each(['save', 'shut-down'] as const)('with the policy %s the VM is stopped so, and moves', async (stop) => {
  const run = await runWith([0], { stop });
  expect(run.report.state).toBe('completed');
  expect(run.world.done).toContain(stop === 'save' ? 'save-vm' : 'shut-down-vm');
  expect(run.world.done).not.toContain(stop === 'save' ? 'shut-down-vm' : 'save-vm');
});

describe('pause', () => {
  async function pausedRun(): Promise<OneRun> {
    const run = warmRun();
    run.agents.looksUntilDone.set('pull', 1000);
    await run.begin();
    await run.engine.advance(20_000);
    expect(run.report).toMatchObject({ phase: 'pre-copy', pausable: true, paused: false });
    await run.send({ command: 'pause' });
    await run.engine.advance(30_000);
    return run;
  }

  test('stops the copying, and a resume goes on under another id', async () => {
    const run = await pausedRun();
    expect(run.report).toMatchObject({ paused: true, waitingFor: 'a person to resume the copy' });
    const sent = (): string[] => run.agents.starts.filter(({ kind }) => kind === 'pull').map((one) => one.operationId);
    const before = sent();
    await run.engine.advance(24 * 3_600_000);
    expect(sent()).toEqual(before);
    run.agents.looksUntilDone.set('pull', 2);
    await run.send({ command: 'resume' });
    expect((await run.onward()).state).toBe('completed');
    expect(new Set(sent()).size).toBe(sent().length);
    expect(run.world.violations).toEqual([]);
  });

  test('does not keep a cancel from being heard', async () => {
    const run = await pausedRun();
    await run.send({ command: 'cancel', reason: 'test' });
    await run.engine.advance(30_000);
    expect(run.report.state).toBe('rolled-back');
    expect(run.world.untouched).toBe(true);
  });

  test('of a run that is at its cutover changes nothing', async () => {
    const run = warmRun();
    run.agents.looksUntilDone.set('save-vm', 10);
    await run.begin();
    await run.engine.advance(20_000);
    expect(run.report).toMatchObject({ phase: 'stop', pausable: false });
    await run.send({ command: 'pause' });
    expect((await run.onward()).state).toBe('completed');
  });
});

const beforePivot: OperationKind[] = [
  'begin-round',
  'look-at-changes',
  'end-round',
  'pull',
  'fence-vm',
  'digest-disks',
];

describe.each<Fault>(['refused', 'failed after effect'])('%s', (fault) => {
  test.each(beforePivot)('at %s: the run unwinds and nothing is left', async (kind) => {
    const run = await runWith([0], {}, [{ kind, fault }]);
    expect(['rolled-back', 'rejected']).toContain(run.report.state);
    expect(run.world.untouched).toBe(true);
  });
});

describe.each<Fault>(['reply lost', 'threw', 'failed once'])('%s', (fault) => {
  test.each(beforePivot)('at %s: the run completes', async (kind) => {
    const run = await runWith([9000 * mib, 0], {}, [{ kind, fault }]);
    expect(run.report.state).toBe('completed');
    expect(run.world.done.filter((one) => one === 'start-vm')).toHaveLength(1);
  });
});

test('many rounds keep the history short: what a generation begins with does not grow with their looks', async () => {
  const run = warmRun({ ifNotShrinking: 'cut-over', roundsMax: 40 });
  run.world.changedBytes = [...Array.from({ length: 40 }, (_, index) => (90_000 - index * 2000) * mib), 0];
  await run.begin();
  expect((await run.onward()).state).toBe('completed');
  expect(JSON.stringify(run.receipts[0]).length).toBeLessThan(20_000);
});
