import { runId } from '../../contracts/ids';
import { Move, moveSteps, perform, type MoveStep } from '../conformance/hyperv-move';
import { describeWithEngine } from './engine';
import type { StandInEvent } from './stand-in/commands';
import type { StandInCommand } from './stand-in/service';
import { StandInHosts } from './stand-in/two-hosts';

const run = runId.parse('fails-r1');
jest.setTimeout(600_000);

type Step = Extract<MoveStep, 'reserve-vm' | 'take-vm-checkpoint' | 'save-vm' | 'fence-vm' | 'start-vm'>;

/** What changes something in a step, after which nothing is to be seen. */
const blindAfter: Readonly<Record<Step, readonly StandInCommand[]>> = {
  'reserve-vm': ['set-notes'],
  'take-vm-checkpoint': ['take-checkpoint'],
  'save-vm': ['save'],
  'fence-vm': ['set-notes', 'set-denial'],
  'start-vm': ['realize', 'start'],
};
const isBlind = (step: MoveStep): step is Step => Object.hasOwn(blindAfter, step);

describeWithEngine('a move', () => {
  const standIns = new StandInHosts();
  const { hosts } = standIns;

  test('whose hosts do not tell what was done never says of a step that changed something that nothing was, and goes on when it sees again', async () => {
    const { sides, drivers, folder } = await standIns.two();
    const move = new Move({ ...drivers, vmId: hosts.vmId, folder }, run, 'unregister');
    for (const step of moveSteps) {
      for (const command of isBlind(step) ? blindAfter[step] : []) {
        const side = step === 'start-vm' ? 'destination' : 'source';
        sides[side].service.refuseLooksAfter(command);
        const outcome = await perform(drivers[side], run, step as Step, { vmId: hosts.vmId, folder });
        const wasBlind = sides[side].service.seeAgain();
        const told = outcome.ok ? outcome : { code: outcome.failure.code, effect: outcome.failure.effect };
        expect([step, command, wasBlind, told]).toEqual([
          step,
          command,
          true,
          { code: 'AccessDenied', effect: 'applied' },
        ]);
      }
      await move.take(step);
    }
    expect(await drivers.destination.vm(hosts.vmId)).toMatchObject({ state: 'running', heartbeat: 'ok' });
    for (const driver of Object.values(drivers)) expect(await driver.leftovers()).toEqual([]);
  });

  test('that Hyper-V refuses says what Hyper-V wrote of the VM to its event logs meanwhile, and nothing older or of others', async () => {
    const { driver, hyperV, service } = await standIns.one('source');
    await hosts.whenAwake(hyperV.simulated);
    await perform(driver, run, 'reserve-vm', { vmId: hosts.vmId });
    const log = hyperV.eventLogs.get('Microsoft-Windows-Hyper-V-VMMS-Admin');
    const event = (id: number, message: string, change: Partial<StandInEvent> = {}): StandInEvent => ({
      ...{ atMs: Date.now(), id, level: 2, vmId: hosts.vmId, message },
      ...change,
    });
    const another = '11111111-2222-4333-8444-555555555555';
    log?.push(
      event(1, 'of another day', { atMs: Date.now() - 86_400_000 }),
      event(2, 'of another VM', { vmId: another }),
    );
    log?.push(event(3, 'nothing wrong', { level: 4 }), event(21_024, 'Der Speicher\r\nist voll.'));
    service.refuse('save');
    const refused = await perform(driver, run, 'save-vm', { vmId: hosts.vmId });
    expect(refused).toMatchObject({ ok: false, failure: { code: 'AccessDenied' } });
    expect(refused.ok ? [] : refused.failure.events).toEqual([
      { at: expect.any(String) as string, log: 'Hyper-V-VMMS', id: 21_024, message: 'Der Speicher ist voll.' },
    ]);
    // A log that cannot be read hides nothing of what is known.
    hyperV.eventLogs.clear();
    service.refuse('save');
    const again = await perform(driver, run, 'save-vm', { vmId: hosts.vmId });
    expect(again).toMatchObject({ ok: false, failure: { code: 'AccessDenied' } });
    expect(again.ok ? [] : again.failure.events).toBeUndefined();
  });

  test('inside of a host whose old registration Hyper-V does not give up has done nothing, and leaves nothing', async () => {
    const { driver, hyperV, service } = await standIns.one('source');
    await hosts.whenAwake(hyperV.simulated);
    const folder = hosts.pathOn('source', 'elsewhere');
    const move = new Move({ source: driver, destination: driver, vmId: hosts.vmId, folder }, run);
    await move.walk('digest-disks');
    service.refuse('remove');
    expect(await perform(driver, run, 'start-vm', { vmId: hosts.vmId, folder })).toMatchObject({
      failure: { code: 'AccessDenied', effect: 'none' },
    });
    expect((await driver.leftovers()).map(({ what }) => what)).not.toContain('retired-vm');
    await move.undo();
    expect(await driver.vm(hosts.vmId)).toMatchObject({ state: 'running', fencedBy: null });
    expect(await driver.leftovers()).toEqual([]);
  });
});
