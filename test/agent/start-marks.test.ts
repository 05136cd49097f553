import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failed, failureOf, type Outcome } from '../../contracts/failure';
import { operationId, runId, vmId } from '../../contracts/ids';
import { operationKinds } from '../../contracts/operations';
import { StartMarks } from '../../agent/operations/start-marks';
import { keptMs } from '../../agent/operations/store';
import { ended, HeldHandler, operationOf, settle, vmA, vmB, Workbench } from './workbench';

const codeOf = (outcome: Outcome<unknown>): string => (outcome.ok ? 'ok' : outcome.failure.code);
const noMemory = failed(failureOf('NotEnoughMemory', { message: '8 GiB are needed' }));

describe('after the start at the destination', () => {
  let bench: Workbench;
  let handler: HeldHandler;

  beforeEach(async () => {
    bench = await Workbench.make();
    handler = new HeldHandler();
  });
  afterEach(() => bench.remove());

  const open = (with_ = handler) => bench.open(with_.carryOut);
  const marksOnDisk = () => readdir(join(bench.folder, 'started'));

  async function start(outcome?: Outcome<unknown>) {
    const opened = await open();
    await opened.runner.start(operationOf('start', 'start-vm'));
    await handler.begun('start');
    handler.end('start', outcome);
    const view = await ended(opened.runner, 'start');
    return { ...opened, view };
  }

  test('the mark is on disk before the driver is asked to start anything', async () => {
    const { runner } = await open();
    await runner.start(operationOf('start', 'start-vm'));
    await handler.begun('start');
    expect(await marksOnDisk()).toEqual([`move-r1.${vmA}`]);
  });

  test('whatever would touch the started VM’s files or wake the source is refused, also after a restart and after 30 days', async () => {
    const { store } = await start();
    const refusedKinds = [
      'place-vm',
      'remove-placeholder',
      'take-vm-checkpoint',
      'pull',
      'pull-staged',
      'save-vm',
      'shut-down-vm',
      'resume-vm',
      'fence-vm',
      'unfence-vm',
      'import-configuration',
      'merge-disks',
      'retire-vm',
      'begin-round',
      'end-round',
      'copy-import',
      'adopt-import',
      'withdraw-vm',
      'return-role',
      'remove-role',
      'restore-role',
      'remove-switch',
      'remove-configuration',
      'detach-lun',
      'attach-lun',
      'reattach-lun',
      'surrender-lun',
      'register-vm',
      'unregister-vm',
      'forget-source',
    ];
    bench.clock.advance(keptMs + 1);
    await store.prune();
    const { runner } = await open();
    for (const kind of operationKinds.filter((one) => one !== 'start-vm')) {
      const outcome = await runner.start(operationOf(`later-${kind}`, kind));
      expect({ kind, code: codeOf(outcome) }).toEqual({
        kind,
        code: refusedKinds.includes(kind) ? 'RefusedAfterStart' : 'ok',
      });
    }
  });

  test('it is this run and this VM that are refused, no others', async () => {
    const { runner } = await start();
    expect(codeOf(await runner.start(operationOf('op-1', 'remove-placeholder', { vm: vmB })))).toBe('ok');
    expect(codeOf(await runner.start(operationOf('op-2', 'remove-placeholder', { run: 'move-r2' })))).toBe('ok');
  });

  test('the source of a move within one host is retired, since the run fenced it here', async () => {
    const { runner } = await open();
    await runner.start(operationOf('fence', 'fence-vm'));
    handler.end('fence');
    await ended(runner, 'fence');
    await runner.start(operationOf('start', 'start-vm'));
    handler.end('start');
    await ended(runner, 'start');
    const second = await open();
    expect(codeOf(await second.runner.start(operationOf('retire', 'retire-vm')))).toBe('ok');
    expect(codeOf(await second.runner.start(operationOf('undo', 'remove-placeholder')))).toBe('RefusedAfterStart');
  });

  test('a removal that comes while the start waits for its turn is refused', async () => {
    const { runner } = await open();
    await runner.start(operationOf('import', 'import-configuration'));
    await runner.start(operationOf('start', 'start-vm'));
    expect(codeOf(await runner.start(operationOf('undo', 'remove-placeholder')))).toBe('RefusedAfterStart');
    expect(await marksOnDisk()).toEqual([]);
  });

  test('a start that failed with an unknown or applied effect, threw, or was canceled counts as one', async () => {
    const ends: ((id: string) => void)[] = [
      (id) => handler.end(id, failed(failureOf('StartFailed', { message: 'no answer' }))),
      (id) => handler.end(id, failed(failureOf('NotEnoughMemory', { message: 'half done', effect: 'applied' }))),
      (id) => handler.throw(id, new Error('worker died')),
      (id) => handler.end(id, failed(failureOf('CanceledByOperator', { message: 'stopped' }))),
    ];
    const { runner } = await open();
    for (const [index, end] of ends.entries()) {
      const run = `run-${index}`;
      await runner.start(operationOf(`start-${index}`, 'start-vm', { run }));
      end(`start-${index}`);
      await ended(runner, `start-${index}`);
      const undo = await runner.start(operationOf(`undo-${index}`, 'remove-placeholder', { run }));
      expect(codeOf(undo)).toBe('RefusedAfterStart');
    }
  });

  test('a start that the driver refused before it touched anything leaves no mark, so the run can unwind', async () => {
    const { runner, view } = await start(noMemory);
    expect(view).toMatchObject({ failure: { code: 'NotEnoughMemory', effect: 'none' } });
    expect(await marksOnDisk()).toEqual([]);
    expect(codeOf(await runner.start(operationOf('undo', 'remove-placeholder')))).toBe('ok');
  });

  test('after an earlier attempt whose effect is unknown, no later one can say that nothing happened', async () => {
    const { runner } = await start(failed(failureOf('StartFailed', { message: 'no answer' })));
    await runner.start(operationOf('start-2', 'start-vm', { epoch: 2 }));
    handler.end('start-2', noMemory);
    const view = await ended(runner, 'start-2');
    expect(view).toMatchObject({ failure: { code: 'NotEnoughMemory', effect: 'unknown' } });
    expect(codeOf(await runner.start(operationOf('undo', 'remove-placeholder', { epoch: 2 })))).toBe(
      'RefusedAfterStart',
    );
  });

  test('nor after an agent that died while it started the VM', async () => {
    const { runner } = await open();
    await runner.start(operationOf('start', 'start-vm'));
    await handler.begun('start');
    const after = new HeldHandler();
    const second = await open(after);
    await after.begun('start');
    after.end('start', noMemory);
    expect(await ended(second.runner, 'start')).toMatchObject({ failure: { effect: 'unknown' } });
    expect(await marksOnDisk()).toHaveLength(1);
  });

  test('a start that cannot be recorded is not tried, and says that it had no effect', async () => {
    const { runner } = await open();
    await rm(join(bench.folder, 'started'), { recursive: true });
    await runner.start(operationOf('start', 'start-vm'));
    const view = await ended(runner, 'start');
    expect(view).toMatchObject({ state: 'failed', failure: { code: 'IoFailed' } });
    expect(handler.started).toEqual([]);
  });

  test('a mark counts whatever its file holds, and whatever the case of the run’s name', async () => {
    const { marks } = await open();
    await marks.make(runId.parse('Move-R1'), vmId.parse(vmA), operationId.parse('start'));
    await writeFile(join(bench.folder, 'started', `torn-r1.${vmA}`), '');
    await settle(0);
    const again = await StartMarks.open(join(bench.folder, 'started'), bench.clock);
    expect(again.has(runId.parse('torn-r1'), vmId.parse(vmA))).toBe(true);
    expect(again.has(runId.parse('move-r1'), vmId.parse(vmA))).toBe(true);
    expect(again.has(runId.parse('move-r1'), vmId.parse(vmB))).toBe(false);
  });

  test('a file that is no mark keeps the agent from starting rather than being passed over', async () => {
    await open();
    await writeFile(join(bench.folder, 'started', 'what is this'), '');
    await expect(open()).rejects.toThrow('is not a start mark');
  });
});
