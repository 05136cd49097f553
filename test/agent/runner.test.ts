import { failed, failureOf, succeeded, type Outcome } from '../../contracts/failure';
import { operationId } from '../../contracts/ids';
import type { OperationView } from '../../contracts/operations';
import { AppendError } from '../../agent/operations/record-log';
import { keptMs } from '../../agent/operations/store';
import { ended, HeldHandler, operationOf, settle, vmB, Workbench } from './workbench';

const codeOf = (outcome: Outcome<unknown>): string => (outcome.ok ? 'ok' : outcome.failure.code);
const failureCodeOf = (view: OperationView): string => (view.state === 'failed' ? view.failure.code : view.state);

describe('operation runner', () => {
  let bench: Workbench;
  let handler: HeldHandler;

  beforeEach(async () => {
    bench = await Workbench.make();
    handler = new HeldHandler();
  });
  afterEach(() => bench.remove());

  const open = () => bench.open(handler.carryOut);

  describe('by id', () => {
    test('the same request twice is carried out once, and both are answered the first outcome', async () => {
      const { runner } = await open();
      const [one, other] = await Promise.all([
        runner.start(operationOf('op-1', 'save-vm')),
        runner.start(operationOf('op-1', 'save-vm')),
      ]);
      expect([one, other].map(codeOf)).toEqual(['ok', 'ok']);
      handler.end('op-1', succeeded({ savedAt: 'now' }));
      expect(await ended(runner, 'op-1')).toMatchObject({ state: 'succeeded', output: { savedAt: 'now' } });
      expect(await runner.start(operationOf('op-1', 'save-vm'))).toMatchObject({
        value: { output: { savedAt: 'now' } },
      });
      expect(handler.started).toEqual(['op-1']);
    });

    test('the same id with another kind, input, run or epoch is a conflict, and changes nothing', async () => {
      const { runner } = await open();
      await runner.start(operationOf('op-1', 'save-vm'));
      for (const other of [
        operationOf('op-1', 'fence-vm'),
        operationOf('op-1', 'save-vm', { vm: vmB }),
        operationOf('op-1', 'save-vm', { run: 'move-r2' }),
        operationOf('op-1', 'save-vm', { epoch: 2 }),
      ])
        expect(codeOf(await runner.start(other))).toBe('IdConflict');
      handler.end('op-1');
      expect((await ended(runner, 'op-1')).state).toBe('succeeded');
    });

    test('a pull that is sent again with a new ticket and route is the same request; one of another disk is not', async () => {
      const { runner } = await open();
      const peer = {
        hostId: 'host-1',
        address: '127.0.0.2',
        port: 2,
        certificateSha256: 'cd',
        ticket: 'second ticket',
      };
      await runner.start(operationOf('op-1', 'pull'));
      const again = operationOf('op-1', 'pull', { input: { peer, ledgerWatermarkBytes: 7 } });
      expect(codeOf(await runner.start(again))).toBe('ok');
      const elsewhere = operationOf('op-1', 'pull', { input: { peer: { ...peer, hostId: 'host-9' } } });
      expect(codeOf(await runner.start(elsewhere))).toBe('IdConflict');
      expect(handler.started).toEqual(['op-1']);
    });

    test('a staged copy that is sent again with other access and another watermark is the same operation', async () => {
      const { runner } = await open();
      await runner.start(operationOf('op-1', 'pull-staged'));
      const access = { containerUrl: 'https://storage.test/a', sas: 'sig=second', expiresAtMs: 2 };
      const input = { staging: { access, sealedKey: 'second' }, ledgerWatermarkBytes: 7 };
      expect(codeOf(await runner.start(operationOf('op-1', 'pull-staged', { input })))).toBe('ok');
      const other = operationOf('op-1', 'pull-staged', { input: { name: 'scsi-0-0_1' } });
      expect(codeOf(await runner.start(other))).toBe('IdConflict');
      expect(handler.started).toEqual(['op-1']);
    });

    test('an outcome is answered after a restart as it was before it, and the handler is not run again', async () => {
      const first = await open();
      await first.runner.start(operationOf('op-1', 'save-vm'));
      (await handler.begun('op-1')).report({ bytesDone: 5, bytesTotal: 9, bytesPerSecond: 0, waitingFor: null });
      handler.end('op-1', failed(failureOf('NotEnoughRoom', { message: 'no room' })));
      const view = await ended(first.runner, 'op-1');
      const second = await open();
      expect(await ended(second.runner, 'op-1')).toEqual(view);
      expect(view).toMatchObject({ state: 'failed', progress: { bytesDone: 5 } });
      expect(handler.started).toEqual(['op-1']);
    });

    test('an exception is an AgentError whose effect nobody knows', async () => {
      const { runner } = await open();
      await runner.start(operationOf('op-1', 'save-vm'));
      handler.throw('op-1', new Error('worker died', { cause: new Error('pipe closed') }));
      const view = await ended(runner, 'op-1');
      expect(view).toMatchObject({ state: 'failed', failure: { code: 'AgentError', effect: 'unknown' } });
      expect(JSON.stringify(view)).toContain('worker died');
    });

    test('an operation that ended 30 days ago is forgotten, in the log as well, but not the epoch of its run', async () => {
      const { runner, store } = await open();
      await runner.start(operationOf('op-1', 'save-vm', { epoch: 3 }));
      await runner.start(operationOf('op-2', 'digest-disks', { epoch: 3 }));
      handler.end('op-1');
      await ended(runner, 'op-1');
      bench.clock.advance(keptMs + 1);
      await store.prune();
      expect(codeOf(runner.look(operationId.parse('op-1')))).toBe('OperationLost');
      const second = await open();
      expect(codeOf(second.runner.look(operationId.parse('op-1')))).toBe('OperationLost');
      expect(codeOf(second.runner.look(operationId.parse('op-2')))).toBe('ok');
      expect(codeOf(await second.runner.start(operationOf('op-3', 'save-vm', { epoch: 2 })))).toBe('EpochStale');
    });
  });

  describe('epochs', () => {
    test('an older epoch is refused, before and after a restart', async () => {
      const { runner } = await open();
      await runner.start(operationOf('op-1', 'save-vm', { epoch: 4 }));
      handler.end('op-1');
      await ended(runner, 'op-1');
      expect(codeOf(await runner.start(operationOf('op-2', 'save-vm', { epoch: 3 })))).toBe('EpochStale');
      const second = await open();
      expect(codeOf(await second.runner.start(operationOf('op-2', 'save-vm', { epoch: 3 })))).toBe('EpochStale');
      expect(codeOf(await second.runner.start(operationOf('op-3', 'save-vm', { epoch: 4 })))).toBe('ok');
    });

    test('a newer epoch stops what older ones do and starts only when they have stopped', async () => {
      const { runner } = await open();
      await runner.start(operationOf('pull-1', 'pull'));
      await runner.start(operationOf('merge-1', 'merge-disks'));
      await handler.begun('pull-1');
      const newer = await runner.start(operationOf('pull-2', 'pull', { epoch: 2 }));
      expect(newer).toMatchObject({
        value: { state: 'running', progress: { waitingFor: expect.stringContaining('pull-1') } },
      });
      await settle();
      expect(handler).toMatchObject({ started: ['pull-1'], stopped: ['pull-1'] });
      handler.end('pull-1', failed(failureOf('CanceledByOperator', { message: 'stopped' })));
      await handler.begun('pull-2');
      expect((await ended(runner, 'pull-1')).state).toBe('canceled');
      expect((await ended(runner, 'merge-1')).state).toBe('canceled');
      handler.end('pull-2');
      expect((await ended(runner, 'pull-2')).state).toBe('succeeded');
      expect(handler.started).toEqual(['pull-1', 'pull-2']);
    });

    test('one that does not stop is said in the log and in both views, and what waits for it does not look alive', async () => {
      const { runner } = await open();
      await runner.start(operationOf('op-1', 'merge-disks'));
      await handler.begun('op-1');
      const accepted = await runner.start(operationOf('op-2', 'merge-disks', { epoch: 2 }));
      bench.clock.advance(31_000);
      await settle();
      expect(bench.logged('an operation does not stop')).toHaveLength(1);
      const [stuck, waiting] = ['op-1', 'op-2'].map((id) => runner.look(operationId.parse(id)));
      expect(stuck).toMatchObject({ value: { progress: { waitingFor: expect.stringContaining('31 s ago') } } });
      expect(waiting).toMatchObject({ value: { progress: { waitingFor: expect.stringContaining('op-1') } } });
      expect(waiting).toMatchObject({ value: { movedAt: accepted.ok ? accepted.value.movedAt : '' } });
      expect(handler.started).toEqual(['op-1']);
      handler.end('op-1');
      await handler.begun('op-2');
    });

    test('what a newer epoch overtook is not carried on by a restart', async () => {
      const { runner } = await open();
      await runner.start(operationOf('op-1', 'merge-disks'));
      await handler.begun('op-1');
      await runner.start(operationOf('op-2', 'merge-disks', { epoch: 2 }));
      const after = new HeldHandler();
      const second = await bench.open(after.carryOut);
      await after.begun('op-2');
      expect((await ended(second.runner, 'op-1')).state).toBe('canceled');
      expect(after.started).toEqual(['op-2']);
    });
  });

  describe('turns', () => {
    test('operations of one VM take turns in the order they came; those of another VM go on meanwhile', async () => {
      const { runner } = await open();
      for (const id of ['op-1', 'op-2', 'op-3']) await runner.start(operationOf(id, 'check-disks'));
      await runner.start(operationOf('other', 'check-disks', { run: 'other-r1', vm: vmB }));
      await handler.begun('other');
      await settle();
      expect(handler.started).toEqual(['op-1', 'other']);
      handler.end('op-1');
      await handler.begun('op-2');
      handler.end('op-2');
      await handler.begun('op-3');
      expect(handler.started).toEqual(['op-1', 'other', 'op-2', 'op-3']);
    });

    test('one that waits for its turn moves while the one before it moves', async () => {
      const { runner } = await open();
      await runner.start(operationOf('op-1', 'merge-disks'));
      const { report } = await handler.begun('op-1');
      await runner.start(operationOf('op-2', 'digest-disks'));
      bench.clock.advance(60_000);
      report({ bytesDone: 1, bytesTotal: 2, bytesPerSecond: 0, waitingFor: null });
      expect(runner.look(operationId.parse('op-2'))).toMatchObject({
        value: { movedAt: new Date(bench.clock.now()).toISOString(), progress: { waitingFor: expect.any(String) } },
      });
    });

    test('pulls of a run go side by side, as many as the setting says, and nothing else beside them', async () => {
      const { runner } = await open();
      for (const id of ['pull-1', 'pull-2', 'pull-3']) await runner.start(operationOf(id, 'pull'));
      await runner.start(operationOf('import', 'import-configuration'));
      await Promise.all([handler.begun('pull-1'), handler.begun('pull-2')]);
      await settle();
      expect(handler.started).toEqual(['pull-1', 'pull-2']);
      expect(runner.look(operationId.parse('pull-3'))).toMatchObject({
        value: { progress: { waitingFor: expect.stringContaining('2 places') } },
      });
      handler.end('pull-2');
      await handler.begun('pull-3');
      handler.end('pull-1');
      await settle();
      expect(handler.started).not.toContain('import');
      handler.end('pull-3');
      await handler.begun('import');
    });

    test('pulls that wait for their sources leave places for what this host is the source of, of which there are as many', async () => {
      const { runner } = await open();
      for (const id of ['pull-1', 'pull-2', 'pull-3']) await runner.start(operationOf(id, 'pull-staged'));
      const other = { run: 'back-r1', vm: vmB };
      for (const id of ['stage-1', 'stage-2', 'stage-3']) await runner.start(operationOf(id, 'stage', other));
      await Promise.all(['pull-1', 'pull-2', 'stage-1', 'stage-2'].map((id) => handler.begun(id)));
      await settle();
      expect(handler.started).not.toContain('stage-3');
      expect(runner.look(operationId.parse('stage-3'))).toMatchObject({
        value: { progress: { waitingFor: 'one of the 2 places for staging on this host' } },
      });
      handler.end('stage-1');
      await handler.begun('stage-3');
      expect(handler.started).not.toContain('pull-3');
    });

    test('a VM is busy for other runs while one works on it, and a release is never kept waiting', async () => {
      const { runner } = await open();
      await runner.start(operationOf('op-1', 'save-vm'));
      const other = operationOf('op-2', 'reserve-vm', { run: 'other-r1' });
      const refused = await runner.start(other);
      expect(refused).toMatchObject({ failure: { code: 'VmBusy', retry: 'transient', effect: 'none' } });
      await runner.start(operationOf('op-3', 'release', { run: 'other-r1' }));
      await handler.begun('op-3');
      handler.end('op-3');
      handler.end('op-1');
      await ended(runner, 'op-1');
      expect(codeOf(await runner.start(other))).toBe('ok');
    });
  });

  describe('cancel', () => {
    test('a canceled operation stops, is canceled for ever, and is not carried on by a restart', async () => {
      const { runner } = await open();
      await runner.start(operationOf('op-1', 'pull'));
      await handler.begun('op-1');
      await runner.cancel(operationId.parse('op-1'));
      expect(handler.stopped).toEqual(['op-1']);
      const after = new HeldHandler();
      const second = await bench.open(after.carryOut);
      expect((await ended(second.runner, 'op-1')).state).toBe('canceled');
      expect(after.started).toEqual([]);
      const third = await bench.open(after.carryOut);
      expect(codeOf(await third.runner.start(operationOf('op-1', 'pull')))).toBe('ok');
      expect((await ended(third.runner, 'op-1')).state).toBe('canceled');
    });

    test('one that had already done its work says so; an aborted wait and a failure of the stop are told apart', async () => {
      const { runner } = await open();
      for (const [vm, id] of [vmB, '22222222-2222-3333-4444-555555555555', undefined].entries())
        await runner.start(
          operationOf(`op-${vm}`, 'save-vm', { run: `run-${vm}`, ...(id === undefined ? {} : { vm: id }) }),
        );
      for (const index of [0, 1, 2]) await runner.cancel(operationId.parse(`op-${index}`));
      handler.end('op-0');
      handler.throw('op-1', new DOMException('stopped', 'AbortError'));
      handler.end('op-2', failed(failureOf('DigestMismatch', { message: 'block 7' })));
      const views = await Promise.all(['op-0', 'op-1', 'op-2'].map((id) => ended(runner, id)));
      expect(views.map(failureCodeOf)).toEqual(['succeeded', 'canceled', 'DigestMismatch']);
      expect(await runner.cancel(operationId.parse('op-0'))).toMatchObject({ value: { state: 'succeeded' } });
    });

    test('an operation that nobody knows cannot be canceled or looked at', async () => {
      const { runner } = await open();
      expect(codeOf(await runner.cancel(operationId.parse('nobody')))).toBe('OperationLost');
      expect(codeOf(runner.look(operationId.parse('nobody')))).toBe('OperationLost');
    });
  });

  describe('the end of the agent', () => {
    test('an operation that is stopped because the agent ends has no outcome, and the next start carries it out', async () => {
      const first = await open();
      await first.runner.start(operationOf('op-1', 'pull'));
      await first.runner.start(operationOf('op-2', 'pull', { run: 'other-r1', vm: vmB }));
      await Promise.all([handler.begun('op-1'), handler.begun('op-2')]);
      const closing = first.runner.close(10_000);
      await settle();
      expect(await first.runner.start(operationOf('op-3', 'pull'))).toMatchObject({
        failure: { code: 'RelayUnreachable', effect: 'none' },
      });
      handler.end('op-1', failed(failureOf('IoFailed', { message: 'interrupted' })));
      handler.end('op-2');
      expect(await closing).toEqual([]);
      await first.store.close();
      const after = new HeldHandler();
      const second = await bench.open(after.carryOut);
      expect((await ended(second.runner, 'op-2')).state).toBe('succeeded');
      await after.begun('op-1');
      after.end('op-1');
      expect((await ended(second.runner, 'op-1')).state).toBe('succeeded');
      expect(bench.logged('operation resumed')).toHaveLength(1);
    });

    test('an operation that was cut short and is refused when it is carried out again may have had an effect', async () => {
      const first = await open();
      await first.runner.start(operationOf('op-1', 'save-vm'));
      await handler.begun('op-1');
      const after = new HeldHandler();
      const second = await bench.open(after.carryOut);
      const refusal = failed(failureOf('VmStateWrong', { message: 'not as it was', effect: 'none' }));
      for (const id of ['op-1', 'op-2']) after.end(id, refusal);
      expect(await ended(second.runner, 'op-1')).toMatchObject({
        failure: { code: 'VmStateWrong', effect: 'unknown' },
      });
      await second.runner.start(operationOf('op-2', 'save-vm'));
      expect(await ended(second.runner, 'op-2')).toMatchObject({ failure: { code: 'VmStateWrong', effect: 'none' } });
    });

    test('an operation that does not stop is named to whoever ends the agent', async () => {
      const { runner } = await open();
      await runner.start(operationOf('op-1', 'merge-disks'));
      await handler.begun('op-1');
      const closing = runner.close(5000);
      await settle();
      bench.clock.advance(5001);
      expect((await closing).map(({ operationId: id }) => id)).toEqual(['op-1']);
    });

    test('a wait for an end is over at once', async () => {
      const { runner } = await open();
      await runner.start(operationOf('op-1', 'merge-disks'));
      const waiting = runner.waitForEnd(operationId.parse('op-1'), 20_000, new AbortController().signal);
      void runner.close(5000);
      expect(await waiting).toMatchObject({ value: { state: 'running' } });
    });
  });

  describe('a state folder that takes no writes', () => {
    test('an operation that cannot be recorded is refused without effect, and can be sent again', async () => {
      const { runner, store } = await open();
      const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      jest.spyOn(store, 'accept').mockRejectedValueOnce(new AppendError(full, true));
      const refused = await runner.start(operationOf('op-1', 'save-vm'));
      expect(refused).toMatchObject({ failure: { code: 'DiskFull', effect: 'none', retry: 'transient' } });
      expect(codeOf(await runner.start(operationOf('op-1', 'save-vm')))).toBe('ok');
    });

    test('an outcome that cannot be recorded is not answered until it is', async () => {
      const { runner, store } = await open();
      const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      await runner.start(operationOf('op-1', 'save-vm'));
      const end = jest.spyOn(store, 'end').mockRejectedValueOnce(new AppendError(full, true));
      handler.end('op-1');
      await settle();
      expect(runner.look(operationId.parse('op-1'))).toMatchObject({
        value: { state: 'running', progress: { waitingFor: expect.stringContaining('no space left') } },
      });
      bench.clock.advance(1001);
      expect((await ended(runner, 'op-1')).state).toBe('succeeded');
      expect(end).toHaveBeenCalledTimes(2);
      expect(handler.started).toEqual(['op-1']);
    });

    test('an output that no record can hold ends the operation as an AgentError', async () => {
      const { runner } = await open();
      await runner.start(operationOf('op-1', 'save-vm'));
      handler.end('op-1', succeeded({ text: 'x'.repeat(5 * 1024 * 1024) }));
      expect(failureCodeOf(await ended(runner, 'op-1'))).toBe('AgentError');
    });
  });
});
