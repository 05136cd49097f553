import { operationId } from '../../contracts/ids';
import type { VmId } from '../../contracts/ids';
import { operations } from '../../contracts/operations';
import type { App } from '../agent/app';

/** An agent that answers through some relay, with a VM that runs, and a folder below an allowed root where no VM is. */
export type AgentUnderTest = {
  readonly app: App;
  readonly host: string;
  readonly vmId: VmId;
  readonly folder: string;
  /** Ends it as a crash would and starts it again on the same state. */
  readonly restart: () => Promise<void>;
  readonly close: () => Promise<void>;
};

/** What an app may count on, whatever the driver below and the relay above. Each test gets an agent of its own. */
export function describeAgent(name: string, make: () => Promise<AgentUnderTest>): void {
  describe(name, () => {
    let agent: AgentUnderTest;
    beforeEach(async () => (agent = await make()));
    afterEach(() => agent.close());

    const ofVm = () => ({ vmId: agent.vmId });
    const place = () => ({ vmId: agent.vmId, folder: agent.folder });

    test('it tells of itself and its VMs in the words of the contract', async () => {
      const { app, host, vmId } = agent;
      expect(await app.health(host)).toMatchObject({ status: 'ok', hostId: host });
      expect(await app.host(host)).toMatchObject({ hostId: host });
      expect((await app.vms(host)).map((vm) => vm.vmId)).toContain(vmId);
      expect(await app.vm(host, vmId)).toMatchObject({ vmId, state: 'running' });
    });

    test('outputs are as the schemas of their kinds say', async () => {
      const { app, host } = agent;
      await app.done(host, 'reserve-vm', ofVm());
      const checked = await app.done(host, 'check-disks', ofVm());
      expect(operations['check-disks'].output.parse(checked)).toEqual(checked);
      await app.done(host, 'release', ofVm());
    });

    test('a request that is sent twice, before and after a crash, is one operation with one outcome', async () => {
      const { app, host } = agent;
      const first = await app.operate(host, 'reserve-vm', ofVm(), 'once');
      const view = await app.ask(host, 'GET', 'once');
      await agent.restart();
      expect(await app.operate(host, 'reserve-vm', ofVm(), 'once')).toEqual(first);
      expect(await app.ask(host, 'GET', 'once')).toEqual(view);
      expect(await app.start(host, 'once', 'release', ofVm())).toMatchObject({ failure: { code: 'IdConflict' } });
    });

    test('an attempt that is older than one it has seen is refused, also after a crash', async () => {
      const { app, host } = agent;
      app.epoch = 5;
      await app.done(host, 'reserve-vm', ofVm());
      await agent.restart();
      app.epoch = 4;
      const late = await app.start(host, 'late', 'reserve-vm', ofVm());
      expect(late).toMatchObject({ failure: { code: 'EpochStale', effect: 'none', retry: 'permanent' } });
      expect(await app.ask(host, 'GET', 'late')).toMatchObject({ failure: { code: 'OperationLost' } });
    });

    test('a placeholder that was made is removed again, as often as it is asked for', async () => {
      const { app, host } = agent;
      await app.done(host, 'reserve-vm', ofVm());
      await app.done(host, 'reserve-room', { ...place(), roomBytes: 1024, memoryBytes: 1024 });
      await app.done(host, 'place-vm', { ...place(), vmName: 'placeholder' });
      for (let again = 0; again < 2; again += 1) await app.done(host, 'remove-placeholder', place());
      for (let again = 0; again < 2; again += 1) await app.done(host, 'release', ofVm());
    });

    test('what it cannot do is a failure as the contract has them, and nothing else', async () => {
      const { app, host, vmId } = agent;
      const unknown = operationId.parse('nobody');
      expect(await app.ask(host, 'GET', unknown)).toMatchObject({ failure: { code: 'OperationLost' } });
      expect(await app.ask(host, 'POST', `${unknown}/cancel`, {})).toMatchObject({
        failure: { code: 'OperationLost' },
      });
      const outside = { vmId, folder: '/etc', subject: { type: 'image', diskId: 'scsi-0-0', index: 0 } };
      const peer = { hostId: 'host-9', address: '127.0.0.1', port: 9, certificateSha256: '00', ticket: 'none' };
      const pull = { ...outside, peer, bandwidthBytesPerSecondMax: null, ledgerWatermarkBytes: null };
      await app.start(host, 'outside', 'pull', pull);
      const view = await app.untilEnded(host, 'outside', 'pull', pull);
      expect(view).toMatchObject({ state: 'failed', failure: { effect: 'none', retry: 'permanent' } });
      const wrong = await app.start(host, 'wrong', 'place-vm', { vmId, folder: 3, vmName: 'x' });
      expect(wrong).toMatchObject({
        failure: { code: 'RequestInvalid', subject: { field: 'input.folder', value: '3' } },
      });
    });
  });
}
